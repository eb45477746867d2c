import { describeInbox } from "../contract/inbox.ts";
import { storeHosts } from "../contract/store.ts";

for (const { name, make } of storeHosts) describeInbox(name, make);
