// Questions to the application, and work that takes a while.

export async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" }, ...options });
  } catch {
    throw new Error("The application does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? "The application could not answer.");
  return answer;
}

export function post(path, fields = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return ask(path, { method: "POST", body: form });
}

// Looks at a task until it ends, or until nobody waits for it; `show` is called with each state.
export async function follow(task, show, signal) {
  const pause = () => new Promise((resume) => {
    setTimeout(resume, 300);
    signal?.addEventListener("abort", resume, { once: true });
  });
  for (;;) {
    show(task);
    if (["done", "failed", "cancelled"].includes(task.state)) return task;
    await pause();
    if (signal?.aborted) return { ...task, state: "cancelled" };
    task = await ask(`/app/tasks/${task.id}`);
  }
}

// Ends work that nobody waits for any more, also while the page is being left.
export function cancel(task) {
  if (!task?.id) return;
  fetch(`/app/tasks/${task.id}/cancel`, { method: "POST", keepalive: true }).catch(() => {});
}

// Files that are dropped on the field's frame are put into the field; `then` is called after.
export function takeDrops(frame, input, then) {
  const over = (on) => frame.classList.toggle("over", on);
  frame.addEventListener("dragover", (event) => { event.preventDefault(); over(true); });
  frame.addEventListener("dragleave", () => over(false));
  frame.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    then();
  });
}

// A part of a page that came as text.
export function fragment(html) {
  const made = document.createElement("template");
  made.innerHTML = html;
  return made.content;
}

export function sentences(place, texts) {
  place.replaceChildren(...texts.map((text) => {
    const line = document.createElement("p");
    line.textContent = text;
    return line;
  }));
}
