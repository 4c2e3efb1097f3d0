"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const editable = data.editable, PAGE = 100;
const ACTIONS = {
  "existing": "use a row that is there", "create": "create a new row", "empty": "leave it empty",
  "skip": "leave these records out", "take-file": "take what the file says",
  "keep-database": "keep what the database has", "value": "another value",
  "accept": "accept it as it is", "leave-field": "leave the field out",
  "leave-record": "leave the record out"};
const OF_KINDS = {
  "heading": {"value": "it is the same in all rows", "leave-field": "leave it out"},
  "new-row": {"accept": "it is a new row: add it"}};
const answers = new Map();    // number of a question: {action, target, values, value}
const byId = id => document.getElementById(id);

// -- making elements; every text is put in as text
function make(tag, attributes, ...inside) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node[name] = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined) node.setAttribute(name, value);
  }
  for (const one of inside.flat()) if (one !== null && one !== "") node.append(one);
  return node;
}
const said = value => typeof value === "string" ? value : JSON.stringify(value);
function shown(value, row) {
  if (row) {  // called by its label and its key, as in the heading of a row
    const key = keyText(row.key), isSaid = Object.values(row.key).join() === row.label;
    return row.label && !isSaid ? [row.label, make("span", {class: "dim"}, ` ${key}`)] : [key];
  }
  return [value === null || value === undefined ? make("span", {class: "null"}, "nothing")
    : value === "" ? make("span", {class: "null"}, "empty text") : said(value)];
}
const keyText = key => Object.entries(key).map(([name, value]) => `${name} ${said(value)}`).join(", ");
const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

// -- what differs between two values, character by character
function marked(one, other) {
  if (one === null || other === null || one === undefined || other === undefined) return shown(one);
  const mine = [...said(one)], theirs = [...said(other)];
  let start = 0, end = 0;
  while (start < mine.length && start < theirs.length && mine[start] === theirs[start]) start++;
  while (end < mine.length - start && end < theirs.length - start
    && mine[mine.length - 1 - end] === theirs[theirs.length - 1 - end]) end++;
  const middle = mine.slice(start, mine.length - end).join("");
  return [mine.slice(0, start).join(""), middle ? make("mark", {}, middle) : "",
    mine.slice(mine.length - end).join("")];
}

// -- the changes; what is rejected stands in them: `out` of a change as a whole, or of one field
const TITLES = {create: "new", update: "changed", delete: "deleted", conflict: "in conflict"};
const causeOf = field => field.old === null || field.old === undefined ? "filled"
  : field.new === null ? "cleared" : "overwritten";
const groups = new Map();
let saved = 0;                // how many entries what is rejected comes to
data.changes.forEach((change, number) => {
  change.number = number;
  change.out = false;
  change.can = editable && change.record !== null && Object.keys(change.about).length > 0
    && (change.action === "create" || change.action === "update");
  const texts = [change.entity, change.label, keyText(change.key), TITLES[change.action]];
  for (const field of change.fields) {
    field.out = false;
    const rows = [field.old_row, field.new_row].filter(Boolean).map(row => `${row.label} ${keyText(row.key)}`);
    texts.push(field.field, said(field.old), said(field.new), ...rows);
  }
  change.text = texts.join("\n").toLowerCase();
  change.parts = change.action === "update"
    ? change.fields.map(field => ({change, field, title: `${change.entity}: ${field.field} ${causeOf(field)}`}))
    : [{change, title: `${change.entity}: ${TITLES[change.action]}`}];
  for (const part of change.parts) {
    const group = groups.get(part.title) || {title: part.title, parts: [], changes: new Set(), can: true, out: 0};
    part.group = group;
    group.parts.push(part);
    group.changes.add(change);
    group.can = group.can && change.can;
    groups.set(part.title, group);
  }
});
const isOut = (change, field) => change.out || (field !== undefined && field.out);
const isWhole = change => change.out || (change.fields.length > 0 && change.fields.every(field => field.out));
const entriesOf = change => change.out ? 1 : change.fields.filter(field => field.out).length;
// the sums are kept with each step: to count all changes anew takes too long where there are many
function alter(change, step) {
  const sum = sign => {
    saved += sign * entriesOf(change);
    for (const part of change.parts) if (isOut(change, part.field)) part.group.out += sign;
  };
  sum(-1);
  step();
  sum(1);
}
function setRecord(change, out) {
  alter(change, () => {
    change.out = out;
    for (const field of change.fields) field.out = false;
  });
}
function setField(change, field, out) {
  alter(change, () => {
    if (change.out) for (const one of change.fields) one.out = true;  // the others stay rejected, one by one
    change.out = false;
    field.out = out;
  });
}
const blocks = new Map();     // change: its block, as far as it is drawn
function changeBlock(change) {
  const title = change.label || keyText(change.key);
  const place = change.record === null ? "made by a decision" : `record ${change.record}`;
  const key = change.label && change.action !== "create" ? ` ${keyText(change.key)}` : "";
  const box = change.can ? make("input", {type: "checkbox", "aria-label": `Write ${title}, ${place}`,
    onchange: event => { setRecord(change, !event.target.checked); redraw(change); }}) : null;
  const fields = make("div", {class: "fields"}), ticks = [];
  for (const field of change.fields) {
    const tick = change.can && change.action === "update" ? make("input", {type: "checkbox",
      "aria-label": `Write ${field.field} of ${title}`,
      onchange: event => { setField(change, field, !event.target.checked); redraw(change); }}) : null;
    if (tick) ticks.push([tick, field]);
    const linked = field.old_row || field.new_row;
    const olds = linked ? shown(field.old, field.old_row) : marked(field.old, field.new);
    const news = linked ? shown(field.new, field.new_row) : marked(field.new, field.old);
    const sides = change.action === "create" ? [make("span", {class: "new"}, shown(field.new, field.new_row))]
      : change.action === "delete" ? [make("span", {class: "old"}, olds)]
      : change.action === "conflict"
        ? ["database: ", make("span", {class: "new"}, olds), make("br"), "file: ", make("span", {class: "new"}, news)]
        : [make("span", {class: field.old === null ? "" : "old"}, olds), " → ", make("span", {class: "new"}, news)];
    fields.append(tick ? make("label", {}, tick, field.field) : make("span", {}, field.field),
      make("span", {class: "value"}, sides));
  }
  const head = make("div", {class: "head"}, box, make("h3", {}, title,
    make("span", {class: "dim"}, ` ${key} · ${change.entity}, ${place} `),
    make("span", {class: `tag ${change.action === "conflict" ? "bad" : ""}`}, TITLES[change.action])));
  const block = make("article", {class: "change", tabindex: "-1"}, head, fields);
  blocks.set(change, {block, box, ticks});
  tickBlock(change);
  return block;
}
function tickBlock(change) {
  const drawn = blocks.get(change), whole = isWhole(change);
  if (!drawn) return;
  drawn.block.classList.toggle("rejected", whole);
  if (drawn.box) {
    drawn.box.checked = !whole;
    drawn.box.indeterminate = !whole && change.fields.some(field => field.out);
  }
  for (const [tick, field] of drawn.ticks) tick.checked = !isOut(change, field);
}
function redraw(change) {
  tickBlock(change);
  tickGroups();
}
function tickGroups() {
  for (const group of groups.values()) {
    if (!group.box) continue;
    group.box.checked = group.out === 0;
    group.box.indeterminate = group.out > 0 && group.out < group.parts.length;
  }
  count();
}
function groupList() {
  for (const group of groups.values()) {
    const title = `${group.title} in ${counted(group.changes.size, "record")}`;
    group.box = group.can ? make("input", {type: "checkbox", checked: true, "aria-label": `Write ${title}`,
      onchange: event => {
        const out = !event.target.checked;
        for (const {change, field} of group.parts) {
          if (field) setField(change, field, out); else setRecord(change, out);
          tickBlock(change);
        }
        tickGroups();
      }}) : null;
    byId("groups").append(make("li", {}, group.box,
      make("button", {type: "button", class: "link", onclick: () => { only = group; filter(); }}, title)));
  }
}

// -- the questions
function titleOf(question) {
  if (question.kind === "reference") return `${question.entity}: ${keyText(question.key)}`;
  if (question.kind !== "heading")
    return `${question.label || keyText(question.key)}${question.field ? `: ${question.field}` : ""}`;
  const {heading, pattern} = question.key;
  return heading ? `column ${heading}` : pattern ? `how column ${pattern} is written`
    : question.field || "what the rows are";
}
function placesOf(question) {  // a sheet's own names of them, where there are any
  const first = question.places?.length ? question.places.slice(0, 5).join(", ")
    : `record ${question.records.slice(0, 5).map(place => place.record).join(", ")}`;
  const about = {reference: "used in ", heading: ""}[question.kind] ?? `${keyText(question.key)}, `;
  return `${about}${first}${question.count > 5 ? " …" : ""}`;
}
function questionBlock(question, number) {
  const block = make("article", {class: "question", tabindex: "-1"});
  const what = question.question || (question.answers.includes("create")
    ? `No row of ${question.entity} has this.` : `More than one row of ${question.entity} has this.`);
  block.append(make("h3", {}, titleOf(question), make("span", {class: "dim"}, ` · ${placesOf(question)} `),
    make("span", {class: "tag"}, question.kind)), make("p", {}, what));
  if (question.why) block.append(make("p", {class: "bad"}, `The answer given before cannot be used: ${question.why}`));
  const sides = [["base", "at export"], ["database", "database"], ["file", "file"]].filter(([side]) => side in question);
  if (sides.length) block.append(make("div", {class: "fields"}, sides.flatMap(([side, name]) => [make("span", {}, name),
    make("span", {class: "value new"}, "database" in question && "file" in question && side !== "base"
      ? marked(question[side], question[side === "file" ? "database" : "file"]) : shown(question[side]))])));
  if (editable) block.append(choices(question, number, block));
  return block;
}
function choices(question, number, block) {
  const set_ = make("fieldset", {}, make("legend", {}, question.default ? "Your answer (accepted where none is given)" : "Your answer"));
  const choose = answer => { answers.set(number, answer); mark(); };
  const mark = () => {
    block.classList.toggle("answered", answers.has(number));
    block.classList.toggle("open", !answers.has(number) && !question.default);
    count();
  };
  const radio = (text, pick, ...inside) => {
    const input = make("input", {type: "radio", name: `question${number}`, onchange: pick});
    set_.append(make("label", {class: "choice"}, input, make("span", {}, text)), ...inside);
    return input;
  };
  for (const found of question.candidates || []) {
    if (!question.answers.includes("existing")) break;
    const key = keyText(found.target), names = [key, Object.values(found.target).join()];
    const why = [names.includes(found.label) ? "" : key, ...found.reasons, found.warning && `careful: ${found.warning}`].filter(Boolean).join("; ");
    radio(found.label + (why ? ` (${why})` : ""), () => choose({action: "existing", target: found.target}));
  }
  const does = {...ACTIONS, ...OF_KINDS[question.kind]};
  for (const action of question.answers) {
    if (action === "existing") continue;
    if (action === "value") {
      const text = make("input", {type: "text", "aria-label": `Another value of ${question.field}`,
        oninput: () => { input.checked = true; choose({action, value: text.value}); }});
      const input = radio(does[action], () => { choose({action, value: text.value}); text.focus(); },
        make("div", {class: "form"}, text));
    } else if (action === "create") {
      const values = {}, form = make("div", {class: "form", hidden: true});
      for (const blank of question.form) {
        if (blank.value !== null) values[blank.name] = blank.value;
        const id = `q${number}-${blank.name}`, list = blank.choices.length ? `${id}-choices` : undefined;
        form.append(make("label", {for: id}, blank.name + (blank.required ? " (needed)" : "")),
          make("input", {type: "text", id, list, value: blank.value === null ? "" : said(blank.value),
            oninput: event => {
              if (event.target.value === "") delete values[blank.name]; else values[blank.name] = event.target.value;
              input.checked = true; choose({action, values});
            }}));
        if (list) form.append(make("datalist", {id: list}, blank.choices.map(value => make("option", {value}))));
      }
      const input = radio(does[action], () => { form.hidden = false; choose({action, values}); }, form);
    } else radio(does[action], () => choose({action}));
  }
  mark();
  return set_;
}

// -- filter: the data is searched, and only what is looked at is drawn
let only = null, found = [], drawn = 0, timer;
function filter() {
  const words = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean), kind = byId("kind").value;
  found = data.changes.filter(change => (!only || only.changes.has(change))
    && (!kind || change.action === kind) && words.every(word => change.text.includes(word)));
  byId("changes").replaceChildren();
  blocks.clear();
  drawn = 0;
  draw();
  byId("left").textContent = `${found.length.toLocaleString("en")} of ${counted(data.changes.length, "change")}`;
  byId("all").hidden = !only;
  if (only) byId("all").textContent = `Show all, not only ${only.title}`;
}
function draw() {
  const next = found.slice(drawn, drawn + PAGE);
  drawn += next.length;
  byId("changes").append(...next.map(changeBlock));
  byId("more").hidden = drawn >= found.length;
}

// -- what is saved
const identity = entry => JSON.stringify([entry.entity, entry.kind || "reference", entry.field || "",
  Object.entries(entry.key).sort()]);
function decisions() {
  const at = new Date().toISOString().replace(/\.\d+Z$/, "Z"), made = [];
  for (const change of data.changes) {
    const head = {kind: "change", entity: change.entity, key: change.about};
    if (change.out) made.push({...head, action: "leave-record", by: "page", at});
    else for (const field of change.fields)
      if (field.out) made.push({...head, field: field.field, action: "leave-field", by: "page", at});
  }
  for (const [number, answer] of answers) {
    const question = data.questions[number], entry = {entity: question.entity, key: question.key};
    if (question.kind !== "reference") entry.kind = question.kind;
    if (question.field && question.kind !== "reference") entry.field = question.field;
    if (question.kind !== "reference")
      for (const side of ["file", "database"]) if (side in question) entry[side] = question[side];
    made.push({...entry, ...answer, by: "page", at});
  }
  if (!data.decided.length) return made;
  const known = new Set(made.map(identity));
  return [...data.decided.filter(entry => !known.has(identity(entry))), ...made];
}
function count() {
  if (!editable) return;
  const open = data.questions.filter((question, number) => !question.default && !answers.has(number)).length;
  byId("save").textContent = `Save decisions (${data.decided.length ? decisions().length : saved + answers.size})`;
  byId("open").textContent = open ? `${counted(open, "question")} to be answered` : "";
}
function save() {
  const text = JSON.stringify(decisions(), null, 2) + "\n";
  const url = URL.createObjectURL(new Blob([text], {type: "application/json"}));
  const link = make("a", {href: url, download: data.decisions_file});
  document.body.append(link);
  link.click();
  link.remove();
  const more = data.questions.some(question => question.kind === "heading")
    ? " What else is unclear is asked once the columns are known." : "";
  byId("saved").textContent = `Saved ${data.decisions_file}. To carry it out: ${data.command}${more && "."}${more}`;
}

// -- begin
data.questions.forEach((question, number) => byId("questions").append(questionBlock(question, number)));
groupList();
byId("text").oninput = () => { clearTimeout(timer); timer = setTimeout(filter, 60); };
byId("kind").onchange = filter;
byId("all").onclick = () => { only = null; filter(); };
byId("more").onclick = draw;
if (editable) byId("save").onclick = save;
new IntersectionObserver(seen => { if (seen.some(one => one.isIntersecting) && !byId("more").hidden) draw(); },
  {rootMargin: "600px"}).observe(byId("more"));
document.onkeydown = event => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const blocks = [...document.querySelectorAll("article")], at = blocks.indexOf(document.activeElement.closest("article"));
  if (event.key === "/") { event.preventDefault(); byId("text").focus(); }
  else if (event.key === "j" || event.key === "k") {
    const next = blocks[Math.min(blocks.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
    if (next) { next.focus(); next.scrollIntoView({block: "nearest"}); }
  } else if (event.key === "x" && at >= 0) blocks[at].querySelector(".head > input")?.click();
};
filter();
count();
document.documentElement.dataset.ready = "yes";
