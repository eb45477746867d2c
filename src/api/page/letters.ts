/** The few documents that the listener itself writes, for people whose browser has no page yet. */

const document = (title: string, text: string, more = ""): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${more}<title>${title}</title></head><body><h1>${title}</h1><p>${text}</p></body></html>\n`;

export const lettersOf = {
  void: document(
    "This link does not open the page any more",
    "It was used already, it is older than five minutes, or the daemon was restarted since. Type <code>steward open</code> on the machine of the daemon for another one.",
  ),
  preview: document("steward", "This link logs in once. Open it in a browser."),
  goOn: document(
    "You are logged in",
    '<a href="/">Go on to the page</a>',
    '<meta http-equiv="refresh" content="0; url=/">',
  ),
  notBuilt: document(
    "The page is not in this installation",
    "In a checkout, <code>npm run build</code> makes it. All else of this daemon works.",
  ),
  tooMany: (wait: number): string =>
    document(
      "Too many logins failed from this address",
      `Try again in ${Math.ceil(wait / 1000)} seconds; the link stays good until then, for five minutes at most.`,
    ),
};
