// A lesson: a mark is set on the image, by pointer or keys, before the answer is sent.

const STEP = 0.02;
const frame = document.querySelector("[data-marking]");
const form = document.querySelector("#commit");
let mark = null;

function show() {
  const pin = frame.querySelector(".pin");
  pin.hidden = !mark;
  form.elements.x.value = mark ? mark[0].toFixed(5) : "";
  form.elements.y.value = mark ? mark[1].toFixed(5) : "";
  if (mark) [pin.style.left, pin.style.top] = mark.map((share) => `${100 * share}%`);
  document.querySelector("#place").textContent = mark
    ? `Marked: ${Math.round(100 * mark[0])} % from the left, ${Math.round(100 * mark[1])} % from the top.`
    : "No place is marked.";
}

function set(x, y) {
  mark = [x, y].map((share) => Math.min(1, Math.max(0, share)));
  show();
}

if (frame) {
  frame.addEventListener("click", (event) => {
    const place = frame.getBoundingClientRect();
    set((event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height);
  });
  const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  frame.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && !mark) set(0.5, 0.5);
    else if (["Delete", "Backspace"].includes(event.key) && mark) { mark = null; show(); }
    else if (event.key in moves && mark) set(mark[0] + moves[event.key][0], mark[1] + moves[event.key][1]);
    else return;
    event.preventDefault();
  });
}
