// Three steps through the page, shown with the first case that a browser opens, until somebody ends
// them.

const SEEN = "tour-seen";
const STEPS = [
  [".answered", "The answer", "What the network answers and how probable it finds it. Where it is unsure, or the image is unlike all it knows, it names no class and says why."],
  [".choosing", "Why", "Each map colours what moved the network. Keys 1 to 9 change it; Split shows it on one side of a line only. The tools above enlarge, measure and change the brightness."],
  [".why", "Whether to believe it", "Every map is tested and gets a verdict. Below it: the report, other methods with the time they take, and known cases that look alike."],
];

export function showTour() {
  const dialog = document.querySelector("#tour");
  const place = document.querySelector("#case");
  if (localStorage.getItem(SEEN)) return;
  let step = 0;
  const end = () => {
    dialog.close();
    mark(null);
    localStorage.setItem(SEEN, "1");
  };
  const mark = (selector) => {
    for (const one of place.querySelectorAll(".pointed-at")) one.classList.remove("pointed-at");
    if (selector) place.querySelector(selector)?.classList.add("pointed-at");
  };
  const show = () => {
    const [selector, title, text] = STEPS[step];
    dialog.dataset.step = step;
    dialog.querySelector("[data-count]").textContent = `${step + 1} of ${STEPS.length}`;
    dialog.querySelector("h2").textContent = title;
    dialog.querySelector("[data-text]").textContent = text;
    dialog.querySelector("[data-next]").textContent = step < STEPS.length - 1 ? "Next" : "Done";
    mark(selector);
  };
  dialog.querySelector("[data-next]").addEventListener("click", () => {
    step += 1;
    if (step < STEPS.length) show();
    else end();
  });
  dialog.querySelector("[data-end]").addEventListener("click", end);
  const begin = () => {
    if (!place.querySelector(".reading") || dialog.open) return;
    const focused = document.activeElement;
    dialog.show();
    focused?.focus({ preventScroll: true });
    show();
    watch.disconnect();
  };
  const watch = new MutationObserver(begin);
  watch.observe(place, { childList: true });
  begin();
}
