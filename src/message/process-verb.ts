/** What may be done to the process of a subject. */
export type ProcessVerb = "start" | "stop" | "restart" | "revive";
