"""Problem families. To add one: a file here and a line in BUILT_IN; from outside, an `axiom.families` entry point."""

from __future__ import annotations

import difflib
from functools import cache
from importlib import import_module
from types import MappingProxyType

from axiom_cli.errors import MissingError
from axiom_cli.families import plug_ins
from axiom_cli.families.family import Family

GYM = "gym:"  # the prefix of the data sets of reasoning-gym, which are asked for by name and never all at once
BUILT_IN = MappingProxyType(
    {
        "arithmetic": "axiom_cli.families.arithmetic:Arithmetic",
        "rpn": "axiom_cli.families.rpn:Rpn",
        "parentheses": "axiom_cli.families.parentheses:Parentheses",
        "list_ops": "axiom_cli.families.list_ops:ListOps",
        "base_conversion": "axiom_cli.families.base_conversion:BaseConversion",
        "gcd_chain": "axiom_cli.families.gcd_chain:GcdChain",
        "modular": "axiom_cli.families.modular:Modular",
        "fractions": "axiom_cli.families.fractions:Fractions",
        "digit_puzzle": "axiom_cli.families.digit_puzzle:DigitPuzzle",
        "sequences": "axiom_cli.families.sequences:Sequences",
        "units": "axiom_cli.families.units:Units",
        "sorting_trace": "axiom_cli.families.sorting_trace:SortingTrace",
        "set_algebra": "axiom_cli.families.set_algebra:SetAlgebra",
        "matrix": "axiom_cli.families.matrix:Matrix",
        "intervals": "axiom_cli.families.intervals:Intervals",
        "rewriting": "axiom_cli.families.rewriting:Rewriting",
        "run_length": "axiom_cli.families.run_length:RunLength",
        "anagrams": "axiom_cli.families.anagrams:Anagrams",
        "automaton": "axiom_cli.families.automaton:Automata",
        "cipher": "axiom_cli.families.cipher:Cipher",
        "boolean": "axiom_cli.families.boolean:Boolean",
        "knights": "axiom_cli.families.knights:Knights",
        "syllogisms": "axiom_cli.families.syllogisms:Syllogisms",
        "sat": "axiom_cli.families.sat:Sat",
        "shortest_path": "axiom_cli.families.shortest_path:ShortestPath",
        "topological": "axiom_cli.families.topological:Topological",
        "colouring": "axiom_cli.families.colouring:Colouring",
        "routing": "axiom_cli.families.routing:Routing",
        "state_machine": "axiom_cli.families.state_machine:StateMachine",
        "stack_machine": "axiom_cli.families.stack_machine:StackMachine",
        "calendar": "axiom_cli.families.calendar:Calendar",
        "clock": "axiom_cli.families.clock:Clock",
        "text_parsing": "axiom_cli.families.text_parsing:TextParsing",
        "code_output": "axiom_cli.families.code_output:CodeOutput",
        "number_programs": "axiom_cli.families.number_programs:NumberPrograms",
        "string_programs": "axiom_cli.families.string_programs:StringPrograms",
        "pair_programs": "axiom_cli.families.pair_programs:PairPrograms",
        "dict_programs": "axiom_cli.families.dict_programs:DictPrograms",
        "record_programs": "axiom_cli.families.record_programs:RecordPrograms",
        "class_programs": "axiom_cli.families.class_programs:ClassPrograms",
        "machine_programs": "axiom_cli.families.machine_programs:MachinePrograms",
        "grid_programs": "axiom_cli.families.grid_programs:GridPrograms",
        "nested_programs": "axiom_cli.families.nested_programs:NestedPrograms",
        "parser_programs": "axiom_cli.families.parser_programs:ParserPrograms",
    }
)


def names() -> list[str]:
    """Every family there is: the built-in ones in the order of the table, then plug-ins by name."""
    return [*BUILT_IN, *sorted(set(plug_ins.entries()) - set(BUILT_IN))]


def broken() -> dict[str, MissingError]:
    """The plug-ins that do not load, and those whose name a built-in family has, each with what is wrong: whoever asks
    for all families goes on without them."""
    found = {}
    for name in sorted(set(plug_ins.entries()) & set(BUILT_IN)):
        value = plug_ins.entries()[name].value
        found[value] = MissingError(f"the plug-in family {name!r} ({value}) has the name of a built-in one")
    for name in names()[len(BUILT_IN) :]:
        try:
            get(name)
        except MissingError as error:
            found[name] = error
    return found


def working() -> list[str]:
    """Every family but those that are broken."""
    bad = broken()
    return [name for name in names() if name not in bad]


@cache
def get(name: str) -> Family:
    """The family called `name`. Raises MissingError, with the closest name there is as its hint."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(import_module(module), attribute)()
    if name.startswith(GYM):
        return import_module("axiom_cli.families.gym").get(name)
    if name in plug_ins.entries():
        return plug_ins.load(name)
    from axiom_cli.families import handwritten

    close = difflib.get_close_matches(name, names(), n=1)
    if name in handwritten.PROBLEMS:
        raise MissingError(f"no family called {name!r}", f"it is a hand-written problem: axiom problems show {name}")
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names())}"
    raise MissingError(f"no family called {name!r}", hint)
