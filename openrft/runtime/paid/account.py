"""The account of a run: what may be spent, who spends it, and the replies that need not be paid for again.

A policy behind a server asks the current account before every call (`current_account`): the account has the reply, or
it gives a permit for one call. `use_account` makes an account the current one, for a job or a command.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from openrft.errors import BudgetSpent, ReplyMissing, UsageError
from openrft.runtime.files import report_disk_errors
from openrft.runtime.paid.byte_locks import ByteLocks, open_locks
from openrft.runtime.paid.ledger import FILE, KeptReply, Ledger, Place
from openrft.runtime.paid.prices import EXAMPLE, PriceTable
from openrft.runtime.paid.usage import Payment, Usage

IN_FLIGHT = 16  # calls at a time; servers batch what arrives together
UNWRITTEN = 500  # uses of kept replies that are written together
# Where the locks of calls end and those of processes begin, and where these end and those of slots for calls begin.
_PROCESSES, _SLOTS = 1 << 60, 1 << 61


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What an account needs, as plain data that workers are sent."""

    folder: Path = Path("runs/.store")  # where the file of replies is kept
    run: str = ""  # the run that pays; a budget holds for all its starts
    prices: PriceTable | None = None
    budget: float | None = None  # in the currency of `prices`
    in_flight: int = IN_FLIGHT  # calls at a time to one server, of all processes that share the folder
    workers: int = 1  # processes of the run, which share the calls in flight
    replay: bool = False  # answer from kept replies alone

    @property
    def share(self) -> int:
        """Calls at a time that one of the run's processes may have in flight."""
        return -(-self.in_flight // self.workers)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, by content: equal calls have one reply."""

    server: str
    request: Mapping[str, Any]  # model, messages, sampling, and the seed that tells equal draws apart
    most: Usage  # the most that its reply can cost
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", hashlib.sha256(self.text.encode()).hexdigest())

    @property
    def text(self) -> str:
        """The request as JSON."""
        return json.dumps(self.request, sort_keys=True)


class Account:
    """One job's or command's account. Its file is opened at the first call."""

    def __init__(self, settings: AccountSettings, place: Place | None = None) -> None:
        self.settings = settings
        self.place = place or Place(settings.run)
        self._mutex = threading.RLock()
        self._ledger: Ledger | None = None
        self._locks: ByteLocks | None = None
        self._owner = 0
        self._uses: set[tuple[str, str]] = set()  # result and key, not yet written: a write costs milliseconds
        self.missing = 0  # replies that a replay lacked
        if settings.budget is not None and settings.prices is None:
            raise UsageError(
                "--budget needs the prices of the models that are asked.",
                f"Write them to a file for --prices: {EXAMPLE}.",
            )

    def check_model(self, model: str) -> None:
        """Raises UsageError for a model without a price, if there is a budget. `model` is URL#MODEL."""
        prices, budget = self.settings.prices, self.settings.budget
        if budget is not None and prices is not None and prices.find(model) is None:
            name = model.partition("#")[2]
            raise UsageError(
                f"--budget: the file of --prices has no price of {name!r}.",
                f"Add it, in {prices.currency} per million tokens: {EXAMPLE.replace('MODEL', name)}.",
            )

    def begin(self, call: Call) -> KeptReply | Permit | None:
        """The call's reply if there is one, else a permit for it; None if the caller has to wait and try again:
        another asks the same, too many calls are in flight, or those may yet leave room in the budget.

        Raises BudgetSpent for a call that could cost more than what is left, and ReplyMissing in a replay.
        """
        with self._mutex:
            ledger, locks = self._open()
            if found := self._find(ledger, call):
                return found
            if self.settings.replay:
                raise ReplyMissing(
                    f"--replay: {ledger.path} holds no reply of {call.most.model} to the request {call.key[:12]},"
                    f" {_quote(call.request)}.",
                    "Give the same command without --replay to ask for what is missing.",
                )
            own = _at(call.key)
            if not locks.acquire(own):
                return None
            slot = number = None
            try:
                # It may have arrived since the last look, from whoever had the lock.
                found = self._find(ledger, call)
                slot = None if found else self._take_slot(locks, call.server)
                number = None if slot is None else self._reserve(ledger, locks, call)
            finally:
                if number is None:
                    locks.release(own)
                    if slot is not None:
                        locks.release(slot)
            if number is None or slot is None:
                return found
            return Permit(self, call, number, (own, slot), self.place)

    def _take_slot(self, locks: ByteLocks, server: str) -> int | None:
        """One of the server's slots for calls in flight; None if all are taken."""
        first = _SLOTS + (int(hashlib.sha256(server.encode()).hexdigest()[:10], 16) << 16)
        slots = range(first, first + self.settings.in_flight)
        return next((slot for slot in slots if locks.acquire(slot)), None)

    def _find(self, ledger: Ledger, call: Call) -> KeptReply | None:
        found = ledger.find(call.key)
        if found:
            self._uses.add((self.place.result, call.key))
            if len(self._uses) >= UNWRITTEN:
                self._write_uses()
        return found

    def _write_uses(self) -> None:
        if self._uses:
            ledger = self._open()[0]
            with ledger.transaction():
                ledger.note_uses(self._uses)
            self._uses.clear()

    def _reserve(self, ledger: Ledger, locks: ByteLocks, call: Call) -> int | None:
        """Note the call as on its way. None: not yet, as calls on their way may leave room."""
        with ledger.transaction():
            if self._has_room(ledger, call.most, waiting=True):
                return ledger.begin(self._owner, self.place, call.most)
        ledger.settle_dead(locks.is_free)
        return None

    def _has_room(self, ledger: Ledger, most: Usage, waiting: bool) -> bool:
        """Whether a call cannot exceed the budget. Raises BudgetSpent if it could whatever calls underway turn out to
        cost; `waiting`: the call itself is not among those."""
        prices, budget = self.settings.prices, self.settings.budget
        if budget is None or prices is None:
            return True
        run = self.place.run
        known = (ledger.sum_payments(run, False), ledger.sum_payments(run, True), ledger.sum_underway(run), [most])
        paid, lost, underway, next_one = (self._cost(prices, usages) for usages in known)
        slack = 1e-9 * budget  # of sums of floats
        if paid + lost + next_one > budget + slack:
            perhaps = f", up to {prices.format(lost)} may be for replies that never arrived" if lost else ""
            raise BudgetSpent(
                f"the budget of {prices.format(budget)} allows no further call: {prices.format(paid)} are paid"
                f"{perhaps}, and the next to {most.model.partition('#')[2]} could cost {prices.format(next_one)}.",
                "Run the same command with a higher --budget: it continues from the stored replies.",
            )
        return paid + lost + underway + (next_one if waiting else 0.0) <= budget + slack

    def _cost(self, prices: PriceTable, usages: Sequence[Usage]) -> float:
        """What these tokens cost. Raises UsageError for a model without a price."""
        for usage in usages:
            self.check_model(usage.model)
        return prices.cost(usages) or 0.0

    @property
    def _has_file(self) -> bool:
        return (self.settings.folder / FILE).exists()

    def _open(self) -> tuple[Ledger, ByteLocks]:
        if self._ledger is None or self._locks is None:
            folder = self.settings.folder
            self._ledger = Ledger(folder)
            with report_disk_errors(folder):
                self._locks = open_locks(folder / f"{FILE}.locks")
            while not self._owner or not self._locks.acquire(self._owner):
                self._owner = _PROCESSES + secrets.randbelow(_SLOTS - _PROCESSES)
            self._ledger.settle_dead(self._locks.is_free)
        return self._ledger, self._locks

    def close(self) -> None:
        """Close the file. The account opens it again if it must."""
        with self._mutex:
            if self._ledger is not None and self._locks is not None:
                self._write_uses()
                self._locks.release(self._owner)
                self._locks.close()
                self._ledger.close()
            self._ledger, self._locks, self._owner = None, None, 0

    @contextlib.contextmanager
    def in_stage(self, stage: str, result: str) -> Iterator[None]:
        """In this context calls belong to this result of this stage."""
        before = self.place
        self.place = replace(before, stage=stage, result=result)
        try:
            yield
        finally:
            self.place = before

    def sum_uses(self, result: str) -> tuple[Usage, ...]:
        """The replies that a stage's result rests on, in all attempts to make it, by model."""
        with self._mutex:
            self._write_uses()
            return self._open()[0].sum_uses(result) if self._has_file else ()

    def keeps_replies_of(self, model: str) -> bool:
        """Whether a reply of this model was ever kept. `model` is URL#MODEL."""
        with self._mutex:
            return self._has_file and self._open()[0].count_replies(model) > 0

    def count_replies(self) -> int:
        """How many replies are kept, of all models."""
        with self._mutex:
            return self._open()[0].count_replies(None) if self._has_file else 0

    def list_payments(self) -> tuple[Payment, ...]:
        """What the run paid over all its starts; nothing is written for it."""
        if not self._has_file:
            return ()
        with self._mutex:
            return self._open()[0].list_payments(self.place.run)

    # -- the end of a call: by its permit -------------------------------------------------------------------------

    def _keep(self, call: Call, place: Place, reply: str, usage: Usage) -> None:
        ledger = self._open()[0]
        with ledger.transaction():
            ledger.add(call.key, call.text, reply, usage)
            if usage.input or usage.output:
                ledger.pay(place, usage)
            ledger.note_uses([(place.result, call.key)])

    def _pay(self, place: Place, usage: Usage, lost: bool) -> None:
        self._open()[0].pay(place, usage, lost)

    def _check_again(self, call: Call) -> None:
        self._has_room(self._open()[0], call.most, waiting=False)

    def _end(self, number: int, held: tuple[int, int]) -> None:
        with self._mutex:
            ledger, locks = self._open()
            try:
                ledger.end(number)
            finally:
                for lock in held:
                    locks.release(lock)


class Permit:
    """The right to send one request, with retries, and to no one else. A context manager: it ends with the context."""

    def __init__(self, account: Account, call: Call, number: int, held: tuple[int, int], place: Place) -> None:
        self._account, self.call, self._number, self._held, self._place = account, call, number, held, place

    def keep(self, reply: Mapping[str, Any], usage: Usage | None) -> None:
        """Keep the reply, and what it cost: as much as it can, if the server does not say."""
        self._account._keep(self.call, self._place, json.dumps(reply), usage or self._uncounted)

    def pay_for_nothing(self, usage: Usage) -> None:
        """A reply arrived and cost something, but holds no answer."""
        self._account._pay(self._place, usage, lost=False)

    def lose(self) -> None:
        """A reply never arrived whole. The server may have charged for it."""
        self._account._pay(self._place, self.call.most, lost=True)

    def renew(self) -> None:
        """Before another attempt. Raises BudgetSpent if what was lost leaves no room for it."""
        self._account._check_again(self.call)

    @property
    def has_budget(self) -> bool:
        """Whether what is spent is limited."""
        return self._account.settings.budget is not None

    @property
    def _uncounted(self) -> Usage:
        return replace(self.call.most, uncounted=1)

    def __enter__(self) -> Permit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._account._end(self._number, self._held)


_current: Account | None = None  # of this process, which runs one job at a time


def current_account() -> Account | None:
    """The account that calls of this process belong to; None outside of jobs and commands that have one."""
    return _current


@contextlib.contextmanager
def use_account(account: Account) -> Iterator[Account]:
    """In this context calls of this process belong to the account."""
    global _current
    before, _current = _current, account
    try:
        yield account
    finally:
        _current = before
        account.close()


def _at(key: str) -> int:
    return int(key[:15], 16)


def _quote(request: Mapping[str, Any]) -> str:
    messages = request.get("messages") or [{}]
    text = " ".join(str(messages[-1].get("content", "")).split())
    return repr(text if len(text) <= 80 else f"{text[:80]}...")
