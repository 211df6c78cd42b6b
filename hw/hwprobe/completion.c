/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwprobe completion: scripts for shells. They know nothing themselves: for
 * each word they ask "hwprobe complete", which has the verbs' own tables.
 */
#include <string.h>

#include "hw/hwprobe/args.h"
#include "hw/hwprobe/verbs.h"

static const char bash[] =
	"# bash completion for hwprobe; made by: hwprobe completion bash\n"
	"_hwprobe() {\n"
	"  local line=${COMP_LINE:0:COMP_POINT} words current candidate broken\n"
	"  # the line's own words: COMP_WORDS is broken at ':' and '=' as well\n"
	"  read -ra words <<<\"$line\"\n"
	"  [[ $line == *[[:blank:]] ]] && words+=(\"\")\n"
	"  current=${words[${#words[@]} - 1]}\n"
	"  # what bash puts in place is only what stands behind the last of these\n"
	"  broken=${current%\"${current##*[:=]}\"}\n"
	"  COMPREPLY=()\n"
	"  while IFS= read -r candidate; do\n"
	"    case $candidate in\n"
	"      :files | :directories)\n"
	"        compopt -o filenames 2>/dev/null\n"
	"        local kind=-f path\n"
	"        [[ $candidate == :directories ]] && kind=-d\n"
	"        while IFS= read -r path; do COMPREPLY+=(\"$path\"); done \\\n"
	"          < <(compgen \"$kind\" -- \"${current##*=}\")\n"
	"        ;;\n"
	"      *)\n"
	"        candidate=${candidate%%$'\\t'*}\n"
	"        [[ $candidate == *[=+] ]] && compopt -o nospace 2>/dev/null\n"
	"        COMPREPLY+=(\"${candidate#\"$broken\"}\")\n"
	"        ;;\n"
	"    esac\n"
	"  done < <(\"$1\" complete -- \"${words[@]:1}\" 2>/dev/null)\n"
	"}\n"
	"complete -F _hwprobe hwprobe\n";

static const char zsh[] =
	"#compdef hwprobe\n"
	"# zsh completion for hwprobe; made by: hwprobe completion zsh\n"
	"_hwprobe() {\n"
	"  local line name\n"
	"  local -a plain open\n"
	"  for line in \"${(@f)$(${words[1]} complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
	"    case $line in\n"
	"      (:files) compset -P '*='; _files ;;\n"
	"      (:directories) compset -P '*='; _files -/ ;;\n"
	"      (?*)\n"
	"        name=${line%%$'\\t'*}\n"
	"        line=${line#$name}\n"
	"        line=${name//:/\\\\:}:${line#$'\\t'}\n"
	"        if [[ $name == *[=+] ]]; then open+=(\"$line\"); else plain+=(\"$line\"); fi\n"
	"        ;;\n"
	"    esac\n"
	"  done\n"
	"  (( $#plain )) && _describe -t words hwprobe plain\n"
	"  (( $#open )) && _describe -t words hwprobe open -S ''\n"
	"}\n"
	"if [[ $funcstack[1] == _hwprobe ]]; then _hwprobe \"$@\"; else compdef _hwprobe hwprobe; fi\n";

static const char fish[] = "# fish completion for hwprobe; made by: hwprobe completion fish\n"
			   "function __hwprobe_complete\n"
			   "    set -l words (commandline -opc) (commandline -ct)\n"
			   "    set -l path (string replace -r '^--[^=]*=' '' -- $words[-1])\n"
			   "    for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)\n"
			   "        switch $line\n"
			   "            case ':files'\n"
			   "                __fish_complete_path $path\n"
			   "            case ':directories'\n"
			   "                __fish_complete_directories $path\n"
			   "            case '*'\n"
			   "                echo -- $line\n"
			   "        end\n"
			   "    end\n"
			   "end\n"
			   "complete -c hwprobe -f -a '(__hwprobe_complete)'\n";

static const struct {
	const char *shell;
	const char *script;
} scripts[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

static enum result completion(const struct call *call)
{
	for (size_t i = 0; i < COUNT(scripts); i++)
		if (!strcmp(call->words[0], scripts[i].shell)) {
			fputs(scripts[i].script, stdout);
			return RESULT_OK;
		}
	return args_refuse("completion: '%s' is none of bash, zsh, fish", call->words[0]);
}

const struct verb verb_completion = {
	.area = "completion",
	.words = "SHELL",
	.help = "a script for bash, zsh or fish",
	.least = 1,
	.most = 1,
	.run = completion,
};
