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
    const files = (await Promise.all(entries.filter(Boolean).map(filesOf))).flat();
    const images = files.filter((file) => looksLikeImage(file.name));
    then(images, files.length - images.length);
  });
}

async function filesOf(entry) {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) return [await new Promise((found, lost) => entry.file(found, lost))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const more = await new Promise((told, lost) => reader.readEntries(told, lost));
    if (!more.length) break;
    found.push(...more);
  }
  found.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  return (await Promise.all(found.map(filesOf))).flat();
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
