import { describeJournal } from "../contract/journal.ts";
import { storeHosts } from "../contract/store.ts";

for (const { name, make } of storeHosts) describeJournal(name, make);
