"""OpenRFT: reinforcement fine-tuning from about 100 labelled questions, with evidence of what helped.

Plugins may import these names and the modules `openrft.testing`, `openrft.splits` and `openrft.prefix_tree`. Everything
else is internal. Each name is loaded on first use, so `openrft --help` answers at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from openrft.version import __version__ as __version__

if TYPE_CHECKING:
    from openrft.cli.command_context import CommandContext as CommandContext
    from openrft.cli.options import PathType as PathType
    from openrft.cli.options import data_options as data_options
    from openrft.cli.options import parse_data_options as parse_data_options
    from openrft.cli.paid_options import command_account as command_account
    from openrft.cli.paid_options import paid_options as paid_options
    from openrft.config.options import FilePath as FilePath
    from openrft.config.options import OutputPath as OutputPath
    from openrft.config.options import RewardName as RewardName
    from openrft.config.options import WeightsPath as WeightsPath
    from openrft.config.options import option as option
    from openrft.config.settings import Aggregation as Aggregation
    from openrft.config.settings import ModelSettings as ModelSettings
    from openrft.config.settings import Settings as Settings
    from openrft.embedding import SentenceEmbedder as SentenceEmbedder
    from openrft.errors import CheckpointError as CheckpointError
    from openrft.errors import DataError as DataError
    from openrft.errors import NotComparable as NotComparable
    from openrft.errors import OpenRFTError as OpenRFTError
    from openrft.errors import PluginError as PluginError
    from openrft.errors import PolicyError as PolicyError
    from openrft.errors import StoreError as StoreError
    from openrft.errors import UnknownName as UnknownName
    from openrft.errors import UsageError as UsageError
    from openrft.grading.extract import final_answer as final_answer
    from openrft.grading.grade import Grade as Grade
    from openrft.grading.grade import apply_grade as apply_grade
    from openrft.grading.grade import grade as grade
    from openrft.grading.number import is_number as is_number
    from openrft.grading.number import is_unit as is_unit
    from openrft.grading.rules import GradingRules as GradingRules
    from openrft.grading.thinking import number_steps as number_steps
    from openrft.grading.thinking import split_steps as split_steps
    from openrft.grading.thinking import strip_thinking as strip_thinking
    from openrft.plugins.base import Plugin as Plugin
    from openrft.plugins.hookspecs import Candidates as Candidates
    from openrft.plugins.hookspecs import Diagnosis as Diagnosis
    from openrft.plugins.hookspecs import Exploration as Exploration
    from openrft.plugins.hookspecs import HookResult as HookResult
    from openrft.plugins.hookspecs import Objective as Objective
    from openrft.plugins.hookspecs import PolicyInfo as PolicyInfo
    from openrft.plugins.hookspecs import hookimpl as hookimpl
    from openrft.plugins.policy_registry import find_placement_faults as find_placement_faults
    from openrft.plugins.policy_registry import fingerprint_policy as fingerprint_policy
    from openrft.plugins.policy_registry import open_policy as open_policy
    from openrft.plugins.policy_registry import resolve_checkpoint as resolve_checkpoint
    from openrft.policies.base import Critic as Critic
    from openrft.policies.base import Policy as Policy
    from openrft.policies.base import Sampling as Sampling
    from openrft.policies.base import TrainablePolicy as TrainablePolicy
    from openrft.policies.bfloat16_products import bfloat16_products as bfloat16_products
    from openrft.policies.bfloat16_products import is_float32_on_cpu as is_float32_on_cpu
    from openrft.policies.bfloat16_products import use_bfloat16_products as use_bfloat16_products
    from openrft.policies.checkpoint_files import pin_template_date as pin_template_date
    from openrft.policies.memory import MemoryPlan as MemoryPlan
    from openrft.policies.memory import plan_memory as plan_memory
    from openrft.policies.memory import run_within_memory as run_within_memory
    from openrft.policies.placement import choose_placement as choose_placement
    from openrft.policies.placement import make_load_options as make_load_options
    from openrft.policies.trainer import open_trainer as open_trainer
    from openrft.rewards.combine import aggregate_steps as aggregate_steps
    from openrft.rewards.fitness_statistics import compute_auroc as compute_auroc
    from openrft.rewards.fitness_statistics import percentile_interval as percentile_interval
    from openrft.rewards.fitness_statistics import resample_sums as resample_sums
    from openrft.rewards.reward_check import RewardCheck as RewardCheck
    from openrft.runtime.files import write_atomic as write_atomic
    from openrft.runtime.fingerprint import expand_path as expand_path
    from openrft.runtime.fingerprint import fingerprint_path as fingerprint_path
    from openrft.runtime.logging import silence_transformers as silence_transformers
    from openrft.runtime.progress import NoProgress as NoProgress
    from openrft.runtime.progress import Progress as Progress
    from openrft.runtime.ranks import Ranks as Ranks
    from openrft.runtime.ranks import current_ranks as current_ranks
    from openrft.runtime.text import escape_terminal as escape_terminal
    from openrft.tasks.leakage import normalize_text as normalize_text
    from openrft.tasks.prompt import box_answer as box_answer
    from openrft.tasks.prompt import build_messages as build_messages
    from openrft.tasks.prompt import format_question as format_question
    from openrft.tasks.task import Answerer as Answerer
    from openrft.tasks.task import DataRequest as DataRequest
    from openrft.tasks.task import Grader as Grader
    from openrft.tasks.task import HasAliases as HasAliases
    from openrft.tasks.task import HasSource as HasSource
    from openrft.tasks.task import PreparesStore as PreparesStore
    from openrft.tasks.task import ProvidesAllRows as ProvidesAllRows
    from openrft.tasks.task import Question as Question
    from openrft.tasks.task import ReadsRows as ReadsRows
    from openrft.tasks.task import Rewriter as Rewriter
    from openrft.tasks.task import Rule as Rule
    from openrft.tasks.task import SourceRow as SourceRow
    from openrft.tasks.task import SourceTable as SourceTable
    from openrft.tasks.task import StepChecker as StepChecker
    from openrft.tasks.task import Task as Task
    from openrft.tasks.task import TaskFamily as TaskFamily
    from openrft.tasks.task import TaskInfo as TaskInfo
    from openrft.tasks.unlabelled import UnlabelledSample as UnlabelledSample
    from openrft.types import JSON as JSON
    from openrft.types import LETTERS as LETTERS
    from openrft.types import AnswerKind as AnswerKind
    from openrft.types import Completion as Completion
    from openrft.types import Demonstration as Demonstration
    from openrft.types import Message as Message
    from openrft.types import Prompt as Prompt
    from openrft.types import Reading as Reading
    from openrft.types import Reward as Reward
    from openrft.types import RewardKind as RewardKind
    from openrft.types import Rollout as Rollout
    from openrft.types import Sample as Sample


_MODULES = {
    "cli.command_context": ("CommandContext",),
    "cli.options": ("PathType", "data_options", "parse_data_options"),
    "cli.paid_options": ("command_account", "paid_options"),
    "config.options": ("FilePath", "OutputPath", "RewardName", "WeightsPath", "option"),
    "config.settings": ("Aggregation", "ModelSettings", "Settings"),
    "embedding": ("SentenceEmbedder",),
    "errors": (
        "CheckpointError",
        "DataError",
        "NotComparable",
        "OpenRFTError",
        "PluginError",
        "PolicyError",
        "StoreError",
        "UnknownName",
        "UsageError",
    ),
    "grading.extract": ("final_answer",),
    "grading.grade": ("Grade", "apply_grade", "grade"),
    "grading.number": ("is_number", "is_unit"),
    "grading.rules": ("GradingRules",),
    "grading.thinking": ("number_steps", "split_steps", "strip_thinking"),
    "plugins.base": ("Plugin",),
    "plugins.hookspecs": (
        "Candidates",
        "Diagnosis",
        "Exploration",
        "HookResult",
        "Objective",
        "PolicyInfo",
        "hookimpl",
    ),
    "plugins.policy_registry": ("find_placement_faults", "fingerprint_policy", "open_policy", "resolve_checkpoint"),
    "policies.base": ("Critic", "Policy", "Sampling", "TrainablePolicy"),
    "policies.bfloat16_products": ("bfloat16_products", "is_float32_on_cpu", "use_bfloat16_products"),
    "policies.checkpoint_files": ("pin_template_date",),
    "policies.memory": ("MemoryPlan", "plan_memory", "run_within_memory"),
    "policies.placement": ("choose_placement", "make_load_options"),
    "policies.trainer": ("open_trainer",),
    "rewards.combine": ("aggregate_steps",),
    "rewards.fitness_statistics": ("compute_auroc", "percentile_interval", "resample_sums"),
    "rewards.reward_check": ("RewardCheck",),
    "runtime.files": ("write_atomic",),
    "runtime.fingerprint": ("expand_path", "fingerprint_path"),
    "runtime.logging": ("silence_transformers",),
    "runtime.progress": ("NoProgress", "Progress"),
    "runtime.ranks": ("Ranks", "current_ranks"),
    "runtime.text": ("escape_terminal",),
    "tasks.leakage": ("normalize_text",),
    "tasks.prompt": ("box_answer", "build_messages", "format_question"),
    "tasks.task": (
        "Answerer",
        "DataRequest",
        "Grader",
        "HasAliases",
        "HasSource",
        "PreparesStore",
        "ProvidesAllRows",
        "Question",
        "ReadsRows",
        "Rewriter",
        "Rule",
        "SourceRow",
        "SourceTable",
        "StepChecker",
        "Task",
        "TaskFamily",
        "TaskInfo",
    ),
    "tasks.unlabelled": ("UnlabelledSample",),
    "types": (
        "JSON",
        "LETTERS",
        "AnswerKind",
        "Completion",
        "Demonstration",
        "Message",
        "Prompt",
        "Reading",
        "Reward",
        "RewardKind",
        "Rollout",
        "Sample",
    ),
}
_DOORS = ("prefix_tree", "splits", "testing")  # modules that plugins may import
_HOMES = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name in _DOORS:
        return import_module(f"openrft.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'openrft' has no attribute {name!r}")
    value = getattr(import_module(f"openrft.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_DOORS, "__version__"})
