"""Problem families. To add one: a file here and a line in BUILT_IN; or, from outside, an entry point in the group
`axiom.families`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import MappingProxyType

from axiom_cli.errors import MissingError, did_you_mean
from axiom_cli.problems.families import plug_ins
from axiom_cli.problems.families.family import Family

GYM = "gym:"  # the prefix of the data sets of reasoning-gym, which are requested by name, never all at once
BUILT_IN = MappingProxyType(
    {
        "arithmetic": "axiom_cli.problems.families.arithmetic:Arithmetic",
        "rpn": "axiom_cli.problems.families.rpn:Rpn",
        "parentheses": "axiom_cli.problems.families.parentheses:Parentheses",
        "list_ops": "axiom_cli.problems.families.list_ops:ListOps",
        "base_conversion": "axiom_cli.problems.families.base_conversion:BaseConversion",
        "gcd_chain": "axiom_cli.problems.families.gcd_chain:GcdChain",
        "modular": "axiom_cli.problems.families.modular:Modular",
        "fractions": "axiom_cli.problems.families.fractions:Fractions",
        "digit_puzzle": "axiom_cli.problems.families.digit_puzzle:DigitPuzzle",
        "sequences": "axiom_cli.problems.families.sequences:Sequences",
        "units": "axiom_cli.problems.families.units:Units",
        "sorting_trace": "axiom_cli.problems.families.sorting_trace:SortingTrace",
        "set_algebra": "axiom_cli.problems.families.set_algebra:SetAlgebra",
        "matrix": "axiom_cli.problems.families.matrix:Matrix",
        "intervals": "axiom_cli.problems.families.intervals:Intervals",
        "rewriting": "axiom_cli.problems.families.rewriting:Rewriting",
        "run_length": "axiom_cli.problems.families.run_length:RunLength",
        "anagrams": "axiom_cli.problems.families.anagrams:Anagrams",
        "automaton": "axiom_cli.problems.families.automaton:Automata",
        "cipher": "axiom_cli.problems.families.cipher:Cipher",
        "boolean": "axiom_cli.problems.families.boolean:Boolean",
        "knights": "axiom_cli.problems.families.knights:Knights",
        "syllogisms": "axiom_cli.problems.families.syllogisms:Syllogisms",
        "sat": "axiom_cli.problems.families.sat:Sat",
        "shortest_path": "axiom_cli.problems.families.shortest_path:ShortestPath",
        "topological": "axiom_cli.problems.families.topological:Topological",
        "colouring": "axiom_cli.problems.families.colouring:Colouring",
        "routing": "axiom_cli.problems.families.routing:Routing",
        "state_machine": "axiom_cli.problems.families.state_machine:StateMachine",
        "stack_machine": "axiom_cli.problems.families.stack_machine:StackMachine",
        "register_machine": "axiom_cli.problems.families.register_machine:RegisterMachine",
        "stack_listing": "axiom_cli.problems.families.stack_listing:StackListing",
        "bracket_listing": "axiom_cli.problems.families.bracket_listing:BracketListing",
        "queue_listing": "axiom_cli.problems.families.queue_listing:QueueListing",
        "robot_walk": "axiom_cli.problems.families.robot_walk:RobotWalk",
        "straight_line": "axiom_cli.problems.families.straight_line:StraightLine",
        "copy_listing": "axiom_cli.problems.families.copy_listing:CopyListing",
        "calendar": "axiom_cli.problems.families.calendar:Calendar",
        "clock": "axiom_cli.problems.families.clock:Clock",
        "text_parsing": "axiom_cli.problems.families.text_parsing:TextParsing",
        "code_output": "axiom_cli.problems.families.code_output:CodeOutput",
        "number_programs": "axiom_cli.problems.families.number_programs:NumberPrograms",
        "string_programs": "axiom_cli.problems.families.string_programs:StringPrograms",
        "pair_programs": "axiom_cli.problems.families.pair_programs:PairPrograms",
        "dict_programs": "axiom_cli.problems.families.dict_programs:DictPrograms",
        "record_programs": "axiom_cli.problems.families.record_programs:RecordPrograms",
        "class_programs": "axiom_cli.problems.families.class_programs:ClassPrograms",
        "machine_programs": "axiom_cli.problems.families.machine_programs:MachinePrograms",
        "grid_programs": "axiom_cli.problems.families.grid_programs:GridPrograms",
        "nested_programs": "axiom_cli.problems.families.nested_programs:NestedPrograms",
        "parser_programs": "axiom_cli.problems.families.parser_programs:ParserPrograms",
    }
)


def names() -> list[str]:
    """All families: the built-in ones in the order of the table, then plug-ins by name."""
    return [*BUILT_IN, *sorted(set(plug_ins.entries()) - set(BUILT_IN))]


def broken() -> dict[str, MissingError]:
    """The plug-ins that do not load, and those with the name of a built-in family, each with its error. A request for
    all families leaves them out."""
    errors = {}
    for name in sorted(set(plug_ins.entries()) & set(BUILT_IN)):
        value = plug_ins.entries()[name].value
        errors[value] = MissingError(f"the plug-in family {name!r} ({value}) has the name of a built-in one")
    for name in names()[len(BUILT_IN) :]:
        try:
            get(name)
        except MissingError as error:
            errors[name] = error
    return errors


def working() -> list[str]:
    """All families except the broken ones."""
    left_out = broken()
    return [name for name in names() if name not in left_out]


@cache
def get(name: str) -> Family:
    """The family called `name`. Raises MissingError with the closest name as its hint."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(import_module(module), attribute)()
    if name.startswith(GYM):
        return import_module("axiom_cli.problems.families.gym").get(name)
    if name in plug_ins.entries():
        return plug_ins.load(name)
    from axiom_cli.problems.families import handwritten

    if name in handwritten.PROBLEMS:
        hint = f"that is a hand-written problem: axiom problems show {name}"
        raise MissingError(f"there is no family called {name!r}", hint)
    hint = did_you_mean(name, names(), f"the families are {', '.join(names())}")
    raise MissingError(f"there is no family called {name!r}", hint)
