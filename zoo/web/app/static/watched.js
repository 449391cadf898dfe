// The page Worklist: what came since is shown, while the page is looked at.

import { ask } from "/static/asking.js";

const PAUSE = 3000;
const rows = document.querySelector("#worklist");
const problem = document.querySelector("#worklist-problem");
let told = null;

async function look() {
  if (!document.hidden && !rows.contains(document.activeElement)) {
    try {
      const { part } = await ask("/worklist/rows");
      if (part !== told) rows.innerHTML = told = part;
      problem.textContent = "";
    } catch (error) {
      problem.textContent = error.message;
    }
  }
  setTimeout(look, PAUSE);
}

setTimeout(look, PAUSE);
