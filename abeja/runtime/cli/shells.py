"""Completion in bash, zsh and fish: the scripts, and the answers to what they ask.

A script asks by running the program with the shell's name in `_ABEJA_RUNTIME_COMPLETE`, and what is typed in
`COMP_LINE`: for bash the line as far as the cursor, for the others its words, each with a line feed, the
last perhaps empty. The answer has one candidate a line, or ``dir`` or ``file`` for the shell's own completion of paths.
"""

import re
import shlex
from collections.abc import Callable, Mapping

import click
from attrs import frozen
from click.shell_completion import CompletionItem, ShellComplete

_BASH = r"""# Completion of abeja-runtime for bash.
_abeja_runtime() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            dir) compopt -o dirnames -o plusdirs ;;
            file) compopt -o default ;;
            *) COMPREPLY+=("$line") ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \
        _ABEJA_RUNTIME_COMPLETE=bash "$1" 2>/dev/null)
}
complete -o nosort -F _abeja_runtime abeja-runtime
"""
_ZSH = r"""#compdef abeja-runtime
# Completion of abeja-runtime for zsh.
_abeja_runtime() {
    local line typed="${(pj:\n:)${(@Q)words[1,CURRENT]}}"$'\n'
    local -a lines candidates
    lines=("${(@f)$(COMP_LINE="$typed" _ABEJA_RUNTIME_COMPLETE=zsh ${(Q)words[1]} 2>/dev/null)}")
    for line in $lines; do
        case $line in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            *) candidates+=("$line") ;;
        esac
    done
    (( $#candidates )) && _describe -V abeja-runtime candidates -U
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _abeja_runtime "$@"
else
    compdef _abeja_runtime abeja-runtime
fi
"""
_FISH = r"""# Completion of abeja-runtime for fish.
function __abeja_runtime_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    test -n "$current"; or set current ""
    set -l typed (string join \n -- $words $current | string collect --no-trim-newlines)
    for line in (env COMP_LINE="$typed" _ABEJA_RUNTIME_COMPLETE=fish $words[1] 2>/dev/null)
        switch $line
            case dir
                __fish_complete_directories (commandline -ct) ''
            case file
                __fish_complete_path (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete --command abeja-runtime --no-files --keep-order --arguments '(__abeja_runtime_complete)'
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completions(cli: click.Command, shell: str, environ: Mapping[str, str]) -> str:
    """What could stand at the cursor, as the script of the shell reads it.

    Args:
        cli: the program.
        shell: bash, zsh or fish.
        environ: with what is typed; see the module.
    """
    typed = _Typed.of_line(environ) if shell == "bash" else _Typed.of_words(environ)
    option, value = typed.option_and_value
    # The same as the option and its value in two words.
    arguments = [*typed.arguments, option] if option else list(typed.arguments)
    items = ShellComplete(cli, {}, "abeja-runtime", "").get_completions(arguments, value)
    line_of: _Line = _LINES.get(shell, _fish_line)
    lines = [item.type if item.type != "plain" else line_of(typed, item) for item in items]
    return "".join(f"{line}\n" for line in lines)


@frozen(kw_only=True)
class _Typed:
    """What is typed.

    Attributes:
        arguments: the words behind the program's name and before the cursor.
        incomplete: the word at the cursor, as far as the cursor.
        breaks: characters after which the shell begins a word of its own.
    """

    arguments: tuple[str, ...]
    incomplete: str
    breaks: str = ""

    @classmethod
    def of_line(cls, environ: Mapping[str, str]) -> "_Typed":
        line = environ.get("COMP_LINE", "")
        words = _words(line)[1:]
        incomplete = words.pop() if words and not line[-1:].isspace() else ""
        return cls(arguments=tuple(words), incomplete=incomplete, breaks=environ.get("COMP_WORDBREAKS", ""))

    @classmethod
    def of_words(cls, environ: Mapping[str, str]) -> "_Typed":
        _, *words = environ.get("COMP_LINE", "").removesuffix("\n").split("\n")
        return cls(arguments=tuple(words[:-1]), incomplete=words[-1] if words else "")

    @property
    def option_and_value(self) -> tuple[str, str]:
        """Of ``--option=value`` at the cursor; an empty option if there is none."""
        option, equals, value = self.incomplete.partition("=")
        return (option, value) if equals and option.startswith("--") else ("", self.incomplete)

    def whole(self, value: str) -> str:
        """A candidate with the ``--option=`` that is typed before it."""
        option, _ = self.option_and_value
        return f"{option}={value}" if option else value


def _words(line: str) -> list[str]:
    """As the shell splits it, if a quote has not been closed yet, too."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(iter(lexer.get_token, None))
    except ValueError:
        words.append(lexer.token)
    return words


def _bash_line(typed: _Typed, item: CompletionItem) -> str:
    # bash takes a colon for the end of a word, and puts what it is given behind that.
    breaks = [mark for mark in ":=" if mark in typed.breaks]
    begin = max((typed.incomplete.rfind(mark) + 1 for mark in breaks), default=0)
    return typed.whole(item.value)[begin:]


def _zsh_line(typed: _Typed, item: CompletionItem) -> str:
    value = typed.whole(item.value).replace("\\", "\\\\").replace(":", "\\:")
    return f"{value}:{_first_sentence(item)}" if item.help else value


def _fish_line(typed: _Typed, item: CompletionItem) -> str:
    value = typed.whole(item.value)
    return f"{value}\t{_first_sentence(item)}" if item.help else value


def _first_sentence(item: CompletionItem) -> str:
    """Of its help, on one line: a menu has room for no more."""
    text = " ".join(str(item.help).split())
    return text if text.endswith("...") else re.split(r"[.;:] |\.$", text, maxsplit=1)[0]


_Line = Callable[[_Typed, CompletionItem], str]
_LINES: dict[str, _Line] = {"bash": _bash_line, "zsh": _zsh_line, "fish": _fish_line}
