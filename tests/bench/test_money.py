"""What a report says of the replies of servers: tokens, what was paid, and what a budget left out."""

from __future__ import annotations

from dataclasses import replace

from openrft.bench.money import build_money_notes, build_money_tables
from openrft.bench.report import Failure, Report, from_json, to_json
from openrft.bench.summary import summarise
from openrft.bench.summary_document import dump_summary
from openrft.runtime.paid.prices import Money, Price, PriceTable
from openrft.runtime.paid.usage import Payment, Usage
from tests.bench import factories

MODEL = "https://host/v1#judge"
PRICES = PriceTable("EUR", {"judge": Price(1_000_000, 500_000, 2_000_000)})  # a token: 1, 0.5 cached, 2 out


def paid_report(prices: PriceTable | None = PRICES, budget: float | None = None) -> Report:
    """rl rests on 5 replies, of which this run paid 3. vanilla rests on the 2 others. rl+prm lost a reply, then failed
    as the budget was spent."""
    made = factories.report({"vanilla": 0.3, "rl": 0.4, "rl+prm": 0.5})
    two, three = Usage(MODEL, 2, 20, 8, 4), Usage(MODEL, 3, 30, 12, 6)
    usage = {"vanilla": (two,), "rl": (two + three,)}
    results = [replace(r, usage=usage[r.arm]) for r in made.results if r.arm in usage]
    task = made.tasks[0].name
    payments = (
        Payment("rl", task, 0, "explore", three, Usage(MODEL)),
        Payment("rl+prm", task, 0, "explore", Usage(MODEL, 1, 10, 0, 2), Usage(MODEL, 1, 7, 0, 4)),
    )
    failure = Failure("rl+prm", task, 0, "the budget is spent", budget_spent=True)
    return replace(made, results=tuple(results), failures=(failure,), money=Money(payments, prices, budget))


def test_each_arm_has_its_replies_what_was_paid_and_what_it_costs_alone() -> None:
    """Two replies cost 12 + 8 * 0.5 + 4 * 2 = 24, three 18 + 6 + 12 = 36, and that of rl+prm 10 + 4 = 14."""
    (table,) = build_money_tables(paid_report())
    assert table.columns == (
        "<arm",
        "<model",
        "replies",
        "tokens in",
        "tokens out",
        "already paid for",
        "paid",
        "alone",
    )
    assert table.rows == (
        ("vanilla", "judge", "2", "20", "4", "2", "0.00 EUR", "24.00 EUR"),
        ("rl", "judge", "5", "50", "10", "2", "36.00 EUR", "60.00 EUR"),
        ("rl+prm", "judge", "1", "10", "2", "0", "14.00 EUR", "14.00 EUR"),
    )
    made = paid_report(budget=60.0)
    money = dump_summary(made, summarise(made))["money"]
    assert (money["currency"], money["budget"]) == ("EUR", 60.0)
    assert [(row["arm"], row["model"], row["paid"], row["alone"]) for row in money["arms"]] == [
        ("vanilla", MODEL, 0, 24),
        ("rl", MODEL, 36, 60),
        ("rl+prm", MODEL, 14, 14),
    ]
    (without,) = build_money_tables(paid_report(None))
    assert without.columns[-1] == "already paid for"


def test_the_notes_say_what_was_paid_what_may_have_been_and_what_is_missing() -> None:
    made = paid_report(budget=60.0)
    task = made.tasks[0].name
    assert list(build_money_notes(made)) == [
        f"Stopped by the budget of 60.00 EUR: rl+prm on {task}, seed 0. The same command with a higher --budget"
        " continues from the stored replies.",
        "Paid to servers in this run, over all its starts: 50.00 EUR of a budget of 60.00 EUR for judge 4 replies (40"
        " tokens in, 12 of them cached by the server, 8 out).",
        "1 request without a whole reply, for which a server may have charged, at most 15.00 EUR, which the budget"
        " counts.",
    ]
    assert list(build_money_notes(paid_report(None)))[-1].startswith("No price for judge: tokens only.")
    assert list(build_money_notes(factories.report())) == []


def test_the_report_keeps_it() -> None:
    made = paid_report(budget=60.0)
    assert from_json(to_json(made)) == made
    assert '"money"' not in to_json(factories.report())
