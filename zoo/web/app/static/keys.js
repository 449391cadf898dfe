// Single keys for a viewer, and the list of them. They can be turned off, since some who dictate or
// cannot hold a key would press them by mistake.

const ACTIONS = {
  "+": "in", "=": "in", "-": "out", "0": "whole", v: "move", w: "window", r: "ruler", i: "invert",
  s: "split", b: "frame", f: "screen", "[": "fainter", "]": "stronger", Escape: "unmeasure",
};
const OFF = "keys-off";

// `viewer()` gives the one that is looked at, if any; `walk` goes up and down a list.
export function listenToKeys(viewer, walk = () => false) {
  const dialog = document.querySelector("#keys");
  const works = dialog.querySelector("[data-keys]");
  works.checked = !localStorage.getItem(OFF);
  works.addEventListener("change", () => {
    if (works.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
  document.addEventListener("help", () => dialog.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog:modal") || !works.checked) return;
    if (event.target.matches("input:not([type=radio], [type=range], [type=checkbox]), select, textarea")) return;
    const steps = { ArrowUp: -1, ArrowDown: 1 };
    if (event.key in steps && !event.target.matches("input, [role=slider]")) {
      if (walk(steps[event.key])) event.preventDefault();
      return;
    }
    if (event.key === "?") dialog.showModal();
    else if (!viewer()) return;
    else if (/^[1-9]$/.test(event.key)) viewer().number(Number(event.key));
    else if (event.key === "m") viewer().toggle();
    else if (event.key in ACTIONS) viewer().act(ACTIONS[event.key]);
    else return;
    event.preventDefault();
  });
}
