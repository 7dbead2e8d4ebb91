"""The plan of a strategy as data: decisions follow its steps, and `--dry-run` prints them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slipway.config.releases.options import (
    AbTest,
    AllAtOnce,
    Bandit,
    BlueGreen,
    Canary,
    Interleave,
    JudgeConfig,
    LatencyLimit,
    Limit,
    Linear,
    Options,
    Shadow,
)
from slipway.errors import FieldProblem, InputError
from slipway.releases.record.phases import Phase
from slipway.releases.statistics.sample_size import sample_size
from slipway.wording import counted

_SLOTS = 2
_ARMS = 10
_STEPS = 100
_LEAST_SHARE = 0.005  # the smallest share that a load balancer's integer weights can express


@dataclass(frozen=True, slots=True)
class ShareStep:
    """A candidate's share, held for at least ``minutes`` with traffic and until the candidate is proven at it."""

    share: float
    minutes: float


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One line of a plan."""

    phase: Phase
    what: str
    until: str


def share_steps(options: Options) -> tuple[ShareStep, ...]:
    """The steps before a candidate gets all traffic; empty for strategies that switch at once."""
    match options:
        case Canary(steps=shares, bake_minutes=minutes):
            return tuple(ShareStep(share, minutes) for share in shares)
        case Linear(step=step, step_minutes=minutes):
            growing = (round(step * number, 6) for number in range(1, round(1 / step) + 1))
            return tuple(ShareStep(share, minutes) for share in growing if share < 1)
        case _:
            return ()


def bake_minutes(options: Options) -> float:
    """How long the stable version stays warm for a rollback after the candidate gets all traffic."""
    match options:
        case AllAtOnce(bake_minutes=minutes) | BlueGreen(bake_minutes=minutes):
            return minutes
        case Shadow():
            return 0
        case _:
            return options.warm_minutes


def phases_judged(options: Options) -> int:
    """The number of phases over which the error probability is split."""
    beside = bool(share_steps(options)) or _promotes(options)
    return 2 if beside and bake_minutes(options) else 1


def plan(
    options: Options, judge: JudgeConfig, *, tier: str = "light", stable: int, candidates: Sequence[int]
) -> tuple[PlanStep, ...]:
    """The steps from start to end if nothing goes wrong."""
    names = ", ".join(map(str, candidates))
    steps = []
    if tier == "light" or not isinstance(options, Shadow):  # a heavy model's shadows take no slot
        steps = [PlanStep(Phase.PREPARING, f"prepare version {names} and test it by its own address", "it answers")]
    steps += _running(options, judge, names)
    bake = bake_minutes(options)
    may_win = not isinstance(options, Shadow | AbTest | Bandit | Interleave) or _promotes(options)
    if may_win and bake:
        until = _until_baked(options, judge, stable)
        steps.append(PlanStep(Phase.BAKING, f"100 % to the candidate; version {stable} stays warm", until))
    if may_win:
        unwatched = "" if bake or share_steps(options) or _promotes(options) else ", unwatched and unproven"
        steps.append(PlanStep(Phase.PROMOTED, f"the candidate is the stable version{unwatched}", "the next release"))
    else:
        steps.append(PlanStep(Phase.FINISHED, f"the report; version {stable} stays the stable one", "the next release"))
    return tuple(steps)


def check_start(options: Options, judge: JudgeConfig, *, tier: str, stable: int, candidates: Sequence[int]) -> None:
    """Check that a release can start.

    Raises:
        InputError: the tier or the strategy does not support the request; each problem says why.
    """
    problems = [*_wrong_candidates(options, stable, candidates), *_wrong_tier(options, tier, candidates)]
    steps = share_steps(options)
    if len(steps) > _STEPS:
        problems.append(FieldProblem("step", f"{len(steps) + 1} steps are too many; {1 / _STEPS:g} is the least"))
    least = sum(step.minutes for step in steps)
    if least >= judge.deadline_minutes:
        message = f"the steps take {counted(least, 'minute')}, and the deadline is {judge.deadline_minutes:g}: raise it"
        problems.append(FieldProblem("judge.deadline_minutes", message))
    if problems:
        raise InputError(problems)


def _wrong_candidates(options: Options, stable: int, candidates: Sequence[int]) -> Iterator[FieldProblem]:
    if not candidates or stable in candidates or len(set(candidates)) != len(candidates):
        yield FieldProblem("candidates", f"must be versions other than the stable one, {stable}, each once")
    several = isinstance(options, Shadow | AbTest | Bandit)
    if len(candidates) > (_ARMS - 1 if several else 1):
        most = f"at most {_ARMS - 1} candidates" if several else "one candidate"
        yield FieldProblem("candidates", f"{options.strategy} takes {most}, not {len(candidates)}")
    if isinstance(options, Bandit) and options.floor * (len(candidates) + 1) > 1:
        arms = len(candidates) + 1
        yield FieldProblem("floor", f"{arms} arms cannot have {options.floor:g} of the traffic each at least")


def _wrong_tier(options: Options, tier: str, candidates: Sequence[int]) -> Iterator[FieldProblem]:
    if tier != "heavy":
        return
    if isinstance(options, Interleave):
        message = "interleaving ranks by both versions in one process, and a heavy model's slot has one"
        yield FieldProblem("strategy", message)
    for share in (step.share for step in share_steps(options)[:1] if step.share < _LEAST_SHARE):
        yield FieldProblem(
            "share", f"{share:g} is less than a heavy model's slots can share by; {_LEAST_SHARE:g} is not"
        )
    if len(candidates) > _SLOTS - 1 and not isinstance(options, Shadow):
        yield FieldProblem(
            "candidates", f"a heavy model has {_SLOTS} slots, so one candidate beside the stable version"
        )


def _promotes(options: Options) -> bool:
    return isinstance(options, AbTest | Bandit | Interleave) and options.promote_winner


def is_flip(options: Options) -> bool:
    """Whether the candidate gets all traffic without ever having had a part of it beside the stable version."""
    return isinstance(options, AllAtOnce | BlueGreen)


def _until_baked(options: Options, judge: JudgeConfig, stable: int) -> str:
    minutes = counted(bake_minutes(options), "minute")
    if not is_flip(options):
        return f"it has been {minutes}, with nothing worse than version {stable} was"
    most = counted(bake_minutes(options) + judge.deadline_minutes, "minute")
    return (
        f"{minutes} with traffic and {counted(judge.min_requests, 'request')} have passed, and {_proven(judge)} "
        f"against what version {stable} was before; back to version {stable} if that takes {most}"
    )


def _proven(judge: JudgeConfig) -> str:
    limits = ((name, getattr(judge, name)) for name in type(judge).model_fields)
    asked = ((name, limit) for name, limit in limits if isinstance(limit, Limit | LatencyLimit))
    proven = [name for name, limit in asked if limit.enabled and limit.proven]
    return f"{', '.join(proven)} {'are' if len(proven) > 1 else 'is'} proven" if proven else "nothing is worse"


def _guards(judge: JudgeConfig) -> str:
    """The rules that hold while candidates run beside the stable version."""
    minutes = "minute" if judge.warmup_minutes == 1 else counted(judge.warmup_minutes, "minute")
    first = f"its latencies do not count in its first {minutes}; "
    silent = f"back if nothing is counted for a candidate in {counted(judge.silent_minutes, 'minute')}"
    return f"{first if judge.warmup_minutes else ''}{silent}"


def _running(options: Options, judge: JudgeConfig, names: str) -> Iterator[PlanStep]:
    steps = share_steps(options)
    for step in steps:
        least = f"{counted(step.minutes, 'minute')} with traffic and {counted(judge.min_requests, 'request')}"
        until = f"{least} have passed, and {_proven(judge)} at this share"
        undecided = f"or undecided after {counted(judge.deadline_minutes, 'minute')}"
        first = f"; {_guards(judge)}, {undecided}" if step is steps[0] else ""
        yield PlanStep(Phase.RUNNING, f"{100 * step.share:g} % to version {names}{first}", until)
    match options:
        case Shadow():
            what = f"version {names} scores {100 * options.sample:g} % of the requests, and answers nobody"
            yield PlanStep(Phase.RUNNING, what, f"it has been {counted(options.minutes, 'minute')}")
        case AbTest():
            size = sample_size(options, arms=names.count(",") + 2)
            early = ", or the sequential test decides" if options.sequential else ""
            what = f"equal shares to version {names} and the stable one, measured by {options.metric}"
            users = "" if options.sticky is None else ", as many times over as outcomes of users who are alike need"
            until = f"each arm has {counted(size, 'outcome')}{users}{early}"
            yield PlanStep(Phase.RUNNING, f"{what}; {_guards(judge)}", until)
        case Bandit():
            what = f"version {names} and the stable one share by Thompson sampling, {100 * options.floor:g} % at least"
            until = f"one is the best with probability {options.confidence:g}"
            yield PlanStep(Phase.RUNNING, f"{what}; {_guards(judge)}", until)
        case Interleave():
            what = f"version {names} and the stable one answer together by team draft; {_guards(judge)}"
            yield PlanStep(
                Phase.RUNNING, what, f"the sign test decides, or it has {counted(options.impressions, 'impression')}"
            )
        case _:
            return
