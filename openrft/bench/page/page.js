"use strict";
// The browser of questions and answers. Texts from the run reach the page by textContent only.
(async () => {
  const byId = (id) => document.getElementById(id);
  const MARKS = ["✓", "✗", "?", "–"], WORDS = ["right", "not right", "not read", "not scored"];
  const PAGE = 60; // questions that the list shows at once
  const data = await unpack(byId("data").textContent);
  const text = (number) => (number < 0 ? "" : piecesOf(number).map((piece) => piece[0]).join(""));

  // A text as [words, the line they begin in]; three pieces if its middle is left out.
  function piecesOf(number) {
    const whole = data.texts[number];
    if (typeof whole === "string") return [[whole, 0]];
    const [begin, leftOut, end, line] = whole;
    return [[begin, 0], [` [… ${leftOut.toLocaleString("en")} characters are left out …] `, -1], [end, line]];
  }

  async function unpack(packed) {
    const binary = atob(packed), bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at); // twenty times as fast as from()
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  function make(tag, kind, ...children) {
    const element = document.createElement(tag);
    if (kind) element.className = kind;
    element.append(...children); // strings become text, never markup
    return element;
  }

  function button(words, action) {
    const element = make("button", "", words);
    element.type = "button";
    element.addEventListener("click", action);
    return element;
  }

  function facts(pairs) {
    const list = make("dl", "facts");
    for (const [name, value] of pairs) if (value !== "") list.append(make("dt", "", name), make("dd", "", value));
    return list;
  }

  // -- answers before RL, behind the bars of the histograms

  function stepsOf(number, scored) {
    const [scores, lines] = scored;
    const at = new Map(lines.map((line, n) => [line, scores[n]]));
    const body = make("pre");
    for (const [words, first] of piecesOf(number)) words.split("\n").forEach((line, n) => {
      if (first < 0 || !at.has(first + n)) return body.append(make("span", "step", line || " "));
      const score = at.get(first + n);
      const span = make("span", `step t${Math.min(4, Math.floor(score * 5))}`, make("small", "", score.toFixed(2)), line);
      span.title = `process score ${score}`;
      body.append(span);
    });
    return body;
  }

  function showMeasured(number, bar, source) {
    const box = byId("group"), measurement = data.measured[number];
    if (!box || !measurement) return;
    const inBar = (answer) => answer[3][source] && Math.min(9, Math.max(0, Math.floor(answer[3][source][2] * 10))) === bar;
    const questions = measurement.questions.filter((question) => question.answers.some(inBar));
    const letter = source === "R" ? "R" : "f", when = measurement.step === undefined ? "" : `, step ${measurement.step} of ${measurement.title}`;
    const title = `${source === "R" ? "" : `${source}: `}${letter} from ${bar / 10} to ${(bar + 1) / 10}${when}, ${questions.length} question${questions.length === 1 ? "" : "s"}`;
    box.replaceChildren(make("h3", "", title));
    let shown = 0;
    const more = button("Show more questions", () => add());
    function add() {
      for (const question of questions.slice(shown, shown + 8)) {
        const row = make("div", "answers");
        for (const answer of question.answers) {
          const scored = answer[3][source];
          const card = make("div", inBar(answer) ? "answer chosen" : "answer", verdict(answer[1]));
          if (scored) card.append(make("span", "note", ` ${letter} ${scored[2].toFixed(2)}`));
          card.append(scored ? stepsOf(answer[0], scored) : make("pre", "", text(answer[0])));
          card.append(make("p", "note", text(answer[2])));
          row.append(card);
        }
        const gold = facts([["gold", text(question.gold)]]);
        box.insertBefore(make("div", "", make("pre", "question", text(question.question)), gold, row), more);
      }
      shown += 8;
      more.hidden = shown >= questions.length;
    }
    box.append(more);
    add();
    box.scrollIntoView({ block: "start" });
  }

  function verdict(number) {
    return make("span", `verdict v${number}`, `${MARKS[number]} ${WORDS[number]}`);
  }

  // -- the test questions

  const jobs = new Map(); // arm, task, seed -> item -> its answers
  for (const job of data.jobs) {
    const items = new Map();
    for (const answer of job.answers) {
      if (!items.has(answer[0])) items.set(answer[0], []);
      items.get(answer[0]).push(answer);
    }
    jobs.set(`${job.arm}\n${job.task}\n${job.seed}`, items);
  }
  const arms = data.arms.filter((arm) => data.jobs.some((job) => job.arm === arm));
  const seeds = [...new Set(data.jobs.map((job) => job.seed))].sort((a, b) => a - b);
  const state = { first: arms[0], second: arms.includes(data.best) ? data.best : arms[arms.length - 1], seed: seeds[0], show: "", group: "", find: "", item: "", all: "" };
  let limit = PAGE, shown = [];

  function answersOf(arm, item) {
    const job = jobs.get(`${arm}\n${data.items[item].task}\n${state.seed}`);
    return (job && job.get(item)) || [];
  }

  const isRight = (answers) => answers.filter((answer) => answer[4] === 0).length * 2 > answers.length;

  function matches(item) {
    const first = answersOf(state.first, item), second = state.second ? answersOf(state.second, item) : [];
    const [was, is] = [isRight(first), isRight(second)];
    const has = (number) => [...first, ...second].some((answer) => answer[4] === number);
    const both = first.length > 0 && second.length > 0;
    const fits = { "": true, right: was, wrong: first.length > 0 && !was, unread: has(2), unscored: has(3),
      gained: both && !was && is, lost: both && was && !is, flipped: both && was !== is }[state.show];
    if (!fits) return false;
    const groups = data.items[item].groups;
    if (state.group && !Object.entries(groups).some(([by, name]) => `${by}: ${text(name)}` === state.group)) return false;
    if (!state.find) return true;
    const words = [data.items[item].question, ...[...first, ...second].map((answer) => answer[2])].map(text);
    return words.some((value) => value.toLowerCase().includes(state.find.toLowerCase()));
  }

  const marks = (answers) => answers.map((answer) => MARKS[answer[4]]).join("") || "none";

  function showList() {
    shown = data.items.map((_, n) => n).filter(matches);
    byId("count").textContent = `${shown.length} of ${data.items.length} questions`;
    byId("list").replaceChildren(...shown.slice(0, limit).map((item) => {
      const entry = button("", () => choose(item, true));
      const words = text(data.items[item].question).replace(/\s+/g, " ");
      const both = state.second ? ` ${marks(answersOf(state.first, item))} → ${marks(answersOf(state.second, item))}` : ` ${marks(answersOf(state.first, item))}`;
      entry.append(make("span", "words", words), make("span", "marks", both));
      entry.dataset.item = item;
      if (keyOf(item) === state.item) entry.setAttribute("aria-current", "true");
      return make("li", "", entry);
    }));
    byId("more").hidden = shown.length <= limit;
  }

  const keyOf = (item) => `${data.items[item].task}/${data.items[item].id}`;

  function choose(item, focus) {
    state.item = keyOf(item);
    remember();
    const at = shown.indexOf(item);
    if (at >= limit) limit = at + PAGE;
    showList();
    showItem();
    const entry = byId("list").querySelector('[aria-current="true"]');
    if (entry) entry.scrollIntoView({ block: "nearest" });
    if (entry && focus) entry.focus({ preventScroll: true });
  }

  function move(by, focus) {
    const at = shown.findIndex((item) => keyOf(item) === state.item);
    const next = shown[Math.min(shown.length - 1, Math.max(0, at + by))];
    if (next !== undefined) choose(next, focus);
  }

  function showItem() {
    const named = data.items.findIndex((_, n) => keyOf(n) === state.item), box = byId("item");
    const item = named < 0 && !state.item && shown.length ? shown[0] : named; // before a choice, the first
    if (item < 0) return box.replaceChildren(make("p", "note", "Choose a question."));
    const record = data.items[item];
    const link = make("a", "", "Link to this question");
    link.href = `#${hashOf()}`;
    const every = button(state.all ? "Show the chosen arms" : "Show all arms", () => { state.all = state.all ? "" : "1"; remember(); showItem(); });
    const groups = Object.entries(record.groups).map(([by, name]) => [by, text(name)]);
    const head = facts([["question", record.id], ...groups, ["gold", text(record.gold)], ["defects", record.defects.map(text).join(", ")]]);
    const columns = make("div", "answers");
    const chosen = state.all ? arms : [state.first, ...(state.second && state.second !== state.first ? [state.second] : [])];
    for (const arm of chosen) columns.append(columnOf(arm, answersOf(arm, item)));
    const buttons = make("div", "buttons", button("← Previous", () => move(-1)), button("Next →", () => move(1)), every, link);
    box.replaceChildren(buttons, make("pre", "question", text(record.question)), head, columns);
  }

  function columnOf(arm, answers) {
    const column = make("div", "column", make("h3", "", arm));
    if (!answers.length) column.append(make("p", "note", "No answer of this arm and seed."));
    else column.append(promptOf(answers[0][1]));
    for (const [, , words, read, verdictNumber, why, tokens] of answers) {
      const told = facts([["read", read < 0 ? "nothing" : text(read)], ["why", text(why)], ["tokens", String(tokens)]]);
      column.append(make("div", "answer", verdict(verdictNumber), make("pre", "", text(words)), told));
    }
    return column;
  }

  function promptOf(number) {
    const parts = data.prompts[number], box = make("details", "", make("summary", "note", `prompt, ${parts.length / 2} messages`));
    for (let at = 0; at < parts.length; at += 2) box.append(make("p", "note", text(parts[at])), make("pre", "question", text(parts[at + 1])));
    return box;
  }

  // -- state in the address, so that a link leads to what is seen

  function hashOf() {
    return new URLSearchParams(Object.entries(state).filter(([, value]) => value !== "").map(([k, v]) => [k, String(v)])).toString();
  }

  function remember() {
    history.replaceState(null, "", `#${hashOf()}`);
  }

  function readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    if (given.has("measured")) return showMeasured(Number(given.get("measured")), Number(given.get("bar")), given.get("source"));
    if (!given.has("first")) return;
    for (const name of Object.keys(state)) state[name] = given.get(name) || "";
    state.seed = seeds.find((seed) => String(seed) === given.get("seed")) ?? seeds[0];
    if (!arms.includes(state.first)) state.first = arms[0];
    for (const [id, name] of controls) byId(id).value = state[name];
    showList();
    showItem();
    byId("answers").scrollIntoView({ block: "start" });
  }

  const controls = [["first", "first"], ["second", "second"], ["seed", "seed"], ["show", "show"], ["bygroup", "group"], ["find", "find"]];

  function fill(id, values, none) {
    const option = (value, words) => { const made = make("option", "", words); made.value = value; return made; };
    byId(id).append(...(none ? [option("", none)] : []), ...values.map((value) => option(String(value), String(value))));
  }

  if (data.jobs.length) {
    fill("first", arms);
    fill("second", arms, "no other arm");
    fill("seed", seeds);
    fill("bygroup", [...new Set(data.items.flatMap((item) => Object.entries(item.groups).map(([by, name]) => `${by}: ${text(name)}`)))].sort(), "every group");
    for (const [id, name] of controls) {
      byId(id).value = state[name];
      byId(id).addEventListener(id === "find" ? "input" : "change", () => {
        state[name] = id === "seed" ? seeds.find((seed) => String(seed) === byId(id).value) : byId(id).value;
        limit = PAGE;
        remember();
        showList();
        showItem();
      });
    }
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("more").addEventListener("click", () => { limit += PAGE; showList(); });
    document.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
      const inList = byId("list").contains(event.target);
      const by = { j: 1, k: -1, ArrowDown: inList ? 1 : 0, ArrowUp: inList ? -1 : 0 }[event.key];
      if (!by) return;
      event.preventDefault();
      move(by, inList);
    });
    byId("waiting").hidden = true;
    if (byId("shortened")) {
      byId("waiting").after(byId("shortened"));
      byId("shortened").hidden = false;
    }
    byId("filters").hidden = byId("browser").hidden = false;
    showList();
    showItem();
  }
  addEventListener("hashchange", readAddress);
  readAddress();
  document.documentElement.dataset.ready = "1";
})();
