// Device and time of day: radio buttons, so that arrows and screen readers know what to do.

import { icon, make } from "./element.js";
import { DAYPARTS, DEVICES } from "./words.js";

function fill(field, name, choices, chosen, changed) {
  for (const [value, word] of Object.entries(choices)) {
    const input = make("input", { type: "radio", name, value, onchange: () => changed(value) });
    input.checked = value === chosen;
    field.append(make("label", { title: word }, input, make("span", {}, icon(value), make("b", {}, word))));
  }
}

export function addSwitches(visitor, changed) {
  fill(document.getElementById("device"), "device", DEVICES, visitor.device, (value) => {
    visitor.device = value;
    changed(DEVICES[value]);
  });
  fill(document.getElementById("daypart"), "daypart", DAYPARTS, visitor.daypart, (value) => {
    visitor.daypart = value;
    changed(DAYPARTS[value]);
  });
}
