// A line over the picture and its length: in millimetres where the file says how large a pixel is.

export function drawRuler(stage, viewer) {
  const svg = stage.querySelector(".ruler");
  const told = stage.querySelector("[data-length]");
  svg.toggleAttribute("hidden", !viewer.ruler);
  if (!viewer.ruler) {
    told.textContent = "";
    return;
  }
  const from = viewer.onStage(stage, viewer.ruler.from);
  const to = viewer.onStage(stage, viewer.ruler.to);
  for (const line of svg.querySelectorAll("line")) {
    line.setAttribute("x1", from.x);
    line.setAttribute("y1", from.y);
    line.setAttribute("x2", to.x);
    line.setAttribute("y2", to.y);
  }
  [...svg.querySelectorAll("circle")].forEach((circle, index) => {
    const end = [from, to][index];
    circle.setAttribute("cx", end.x);
    circle.setAttribute("cy", end.y);
  });
  told.textContent = lengthText(stage, viewer.ruler);
}

function lengthText(stage, { from, to }) {
  const across = (to.x - from.x) * stage.dataset.width;
  const down = (to.y - from.y) * stage.dataset.height;
  const pixels = `${Math.round(Math.hypot(across, down))} pixels`;
  if (!stage.dataset.spacing) return pixels;
  const [row, column] = stage.dataset.spacing.split(" ").map(Number);
  const where = stage.dataset.detector ? " at the detector" : "";
  return `${Math.hypot(across * column, down * row).toFixed(1)} mm${where} (${pixels})`;
}
