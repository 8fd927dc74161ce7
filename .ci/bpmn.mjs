// Reads drawings with bpmn.io's own reader, which shares no line with ours, and fails where its editor would miss something.
//
//     node bpmn.mjs MODULES FILE…
//
// - the reader warns of nothing: no element that it does not know, no reference that leads nowhere;
// - every step, flow, pool and lane has its place in the diagram, once, and nothing lies there that is not in the process;
// - shapes have a size, flows begin at the step that they come from and end at the one that they go to.
//
// MODULES is the folder that bpmn-moddle was installed into.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, ...files] = process.argv.slice(2);
const moddle = createRequire(pathToFileURL(`${modules}/`)).resolve("bpmn-moddle");
const { BpmnModdle, default: Default } = await import(pathToFileURL(moddle));
const Reader = BpmnModdle ?? Default;

// How far the end of a flow may lie from the border of its step, in the drawing's units.
const NEAR = 2;

const faults = [];
for (const file of files) {
  const fault = (what) => faults.push(`${file}: ${what}`);
  const { rootElement: root, warnings } = await new Reader().fromXML(await readFile(file, "utf8"));
  warnings.forEach((warning) => fault(`the reader warns: ${warning.message}`));
  const drawn = new Map();
  for (const { plane } of root.diagrams ?? []) {
    for (const part of plane.planeElement ?? []) {
      const of = part.bpmnElement;
      if (!of) fault(`${part.id} draws nothing`);
      else if (drawn.has(of)) fault(`${of.id} is drawn twice`);
      else drawn.set(of, part);
    }
  }
  const elements = root.rootElements.flatMap((it) => [
    ...(it.flowElements ?? []),
    ...(it.artifacts ?? []),
    ...(it.participants ?? []),
    ...(it.laneSets ?? []).flatMap((set) => set.lanes ?? []),
  ]);
  if (!elements.some((it) => it.$type === "bpmn:SequenceFlow")) fault("nothing is in it");
  for (const element of drawn.keys()) {
    if (!elements.includes(element)) fault(`${element.id} is drawn and is nothing of a process`);
  }
  for (const element of elements) {
    const part = drawn.get(element);
    if (!part) {
      fault(`${element.$type} ${element.id} is not drawn`);
    } else if (element.$type === "bpmn:SequenceFlow") {
      const way = part.waypoint ?? [];
      if (way.length < 2) fault(`the flow ${element.id} has no way`);
      const ends = [[way.at(0), element.sourceRef], [way.at(-1), element.targetRef]];
      for (const [end, step] of ends) {
        const at = drawn.get(step)?.bounds;
        const outside = (value, from, size) => Math.max(from - value, value - from - size);
        const far = at && end && Math.max(outside(end.x, at.x, at.width), outside(end.y, at.y, at.height));
        if (!(Math.abs(far) <= NEAR)) fault(`the flow ${element.id} does not end at ${step?.id}`);
      }
    } else if (!(part.bounds?.width > 0 && part.bounds?.height > 0)) {
      fault(`${element.id} has no size`);
    }
  }
  console.log(`${file}: ${elements.length} elements, ${drawn.size} drawn`);
}
if (!files.length) faults.push("no drawing was given");
faults.forEach((it) => console.error(it));
process.exit(faults.length ? 1 : 0);
