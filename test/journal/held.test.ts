import { describeHeld } from "../contract/held.ts";
import { storeHosts } from "../contract/store.ts";

for (const { name, make } of storeHosts) describeHeld(name, make);
