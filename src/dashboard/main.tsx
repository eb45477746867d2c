import { render } from "preact";
import { Shell } from "./shell/shell.tsx";
import { startRouter } from "./store/router.ts";
import { markFreshness, theStore } from "./store/store.ts";

/** The page's beginning: the store opens its stream, the shell shows what the place in the URL names. */
const root = document.getElementById("page");
if (root !== null) {
  const store = theStore();
  startRouter();
  markFreshness(store);
  addEventListener("online", () => store.network(true));
  addEventListener("offline", () => store.network(false));
  document.addEventListener("visibilitychange", () => store.looked(!document.hidden));
  if (document.hidden) store.looked(false);
  render(<Shell />, root);
}
