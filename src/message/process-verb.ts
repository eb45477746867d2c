/** The actions on the process of a subject. */
export type ProcessVerb = "start" | "stop" | "restart" | "revive";
