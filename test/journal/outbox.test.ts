import { describeOutbox } from "../contract/outbox.ts";
import { storeHosts } from "../contract/store.ts";

for (const { name, make } of storeHosts) describeOutbox(name, make);
