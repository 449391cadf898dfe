// Files that are chosen or dropped, folders too, sent in portions so that the first answer is there
// at once and none is larger than a request may be.

const IMAGE = /\.(jpe?g|jfif|png|tiff?|dcm|dicom|bmp|gif|webp)$/i;
const BARE = /^[^.]+$|^[\d.]+$/; // DICOM files of an archive have no ending, or numbers

export function looksLikeImage(name) {
  return !/^(dicomdir|thumbs\.db)$/i.test(name) && (IMAGE.test(name) || BARE.test(name));
}

// Calls `then(files, leftOut)` with what is dropped anywhere on the page.
export function takeDropsAnywhere(then) {
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  let inside = 0;
  const over = (on) => document.body.classList.toggle("dropping", on);
  addEventListener("dragenter", (event) => { if (carries(event)) over(++inside > 0); });
  addEventListener("dragleave", (event) => { if (carries(event)) over(--inside > 0); });
  addEventListener("dragover", (event) => { if (carries(event)) event.preventDefault(); });
  addEventListener("drop", async (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    over((inside = 0) > 0);
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
    if (!entries.some((entry) => entry?.isDirectory)) {
      then([...event.dataTransfer.files], 0);
      return;
    }
    const files = (await filesOf(entries.filter(Boolean))).map(([, file]) => file);
    const images = files.filter((file) => looksLikeImage(file.name));
    then(images, files.length - images.length);
  });
}

// The files of what was dropped, folders too, by name, each with its path; hidden ones are left out.
export async function filesOf(entries, path = "") {
  const seen = entries.filter(({ name }) => !name.startsWith("."));
  seen.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const found = await Promise.all(seen.map(async (entry) => {
    if (!entry.isFile) return filesOf(await inside(entry), `${path}${entry.name}/`);
    return [[path + entry.name, await new Promise((told, lost) => entry.file(told, lost))]];
  }));
  return found.flat();
}

async function inside(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) { // a folder is read in parts, until one is empty
    const part = await new Promise((told, lost) => reader.readEntries(told, lost));
    if (!part.length) return found;
    found.push(...part);
  }
}

// The first file goes alone: its answer is not to wait for others.
export function* portions(files, most, mostBytes) {
  let portion = [];
  let bytes = 0;
  let room = 1;
  for (const file of files) {
    if (portion.length && (portion.length >= room || bytes + file.size > mostBytes)) {
      yield portion;
      [portion, bytes, room] = [[], 0, Math.min(8, most)];
    }
    portion.push(file);
    bytes += file.size;
  }
  if (portion.length) yield portion;
}
