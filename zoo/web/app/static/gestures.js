// What a mouse, fingers and the keys of a focused picture do to a viewer.

const MOVE = 60; // pixels with an arrow key
const WHEEL = 500; // pixels of a wheel that make a picture e times as large
const GRAB = 0.03; // share of the width with an arrow key on the line

export function listen(stage, viewer) {
  const pointers = new Map();
  let dragging = "";

  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest(".divider")) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    dragging = event.button === 2 ? "window" : event.button === 1 ? "move" : viewer.tool;
    const scrolls = event.pointerType === "touch" && dragging === "move" && viewer.scale === 1;
    if (!scrolls) stage.setPointerCapture(event.pointerId);
    if (event.button === 1) event.preventDefault();
    if (dragging === "ruler" && pointers.size === 1) {
      const place = viewer.place(stage, event);
      viewer.ruler = { from: place, to: place };
      viewer.draw();
    }
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (pointers.size === 2) pinch(stage, viewer, pointers, event.pointerId, now);
    else if (dragging === "window") viewer.setWindow(now.x - before.x, now.y - before.y);
    else if (dragging === "ruler") {
      viewer.ruler = { ...viewer.ruler, to: viewer.place(stage, event) };
      viewer.draw();
    } else viewer.move(stage, now.x - before.x, now.y - before.y);
    pointers.set(event.pointerId, now);
  });
  const ended = (event) => pointers.delete(event.pointerId);
  stage.addEventListener("pointerup", ended);
  stage.addEventListener("pointercancel", ended);
  stage.addEventListener("dblclick", () => viewer.act("whole"));

  stage.addEventListener("wheel", (event) => {
    // A page that scrolls keeps its wheel until the picture is meant.
    const fills = getComputedStyle(stage).getPropertyValue("--fills").trim() === "1";
    if (!fills && !event.ctrlKey && document.activeElement !== stage) return;
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 30 : 1;
    viewer.zoom(Math.exp((-event.deltaY * lines) / (event.ctrlKey ? WHEEL / 5 : WHEEL)), stage, {
      x: event.clientX - box.left - box.width / 2,
      y: event.clientY - box.top - box.height / 2,
    });
  }, { passive: false });

  stage.addEventListener("keydown", (event) => {
    const arrows = {
      ArrowLeft: [MOVE, 0], ArrowRight: [-MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE],
    };
    if (!(event.key in arrows) || event.target !== stage || viewer.scale === 1) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    viewer.move(stage, ...arrows[event.key]);
    event.preventDefault();
  });
  divide(stage, viewer);
}

// Two fingers: what is between them stays there while they move, and grows with their distance.
function pinch(stage, viewer, pointers, moved, now) {
  const [other] = [...pointers].filter(([id]) => id !== moved).map(([, place]) => place);
  const before = pointers.get(moved);
  const apart = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
  const box = stage.getBoundingClientRect();
  viewer.move(stage, (now.x - before.x) / 2, (now.y - before.y) / 2);
  viewer.zoom(apart(now) / apart(before), stage, {
    x: (now.x + other.x) / 2 - box.left - box.width / 2,
    y: (now.y + other.y) / 2 - box.top - box.height / 2,
  });
}

function divide(stage, viewer) {
  const divider = stage.querySelector(".divider");
  const put = (share) => {
    viewer.line = Math.min(1, Math.max(0, share));
    viewer.draw();
  };
  divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const box = stage.getBoundingClientRect();
    put((event.clientX - box.left) / box.width);
  });
  divider.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -GRAB, ArrowRight: GRAB }[event.key];
    if (!step) return;
    put(viewer.line + step);
    event.preventDefault();
    event.stopPropagation();
  });
}
