/** The word behind the program's name by which a shell asks; the words of the line follow. */
export const ASKING = '__complete';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * The line is taken as it is: bash breaks words at @ and =, of which addresses and options have some, so what is before the
 * last of them is taken off what it is given.
 */
const BASH = String.raw`# bash completion of aoe-lab: eval "$(aoe-lab completion bash)"
_aoe_lab() {
  local line=\${COMP_LINE:0:COMP_POINT} words answer candidate current before
  COMPREPLY=()
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[-1]}
  mapfile -t answer < <("\${words[0]/#\~/$HOME}" ${ASKING} "\${words[@]:1}" 2>/dev/null)
  before=\${current%"\${current##*[@=:]}"}
  case \${answer[0]} in
    files | folders)
      compopt -o filenames
      [[ $current == --*=* ]] && current=\${current#*=}
      local how=-f
      [[ \${answer[0]} == folders ]] && how=-d
      mapfile -t COMPREPLY < <(compgen $how -- "$current")
      ;;
    *)
      for candidate in "\${answer[@]:1}"; do
        candidate=\${candidate%%$'\t'*}
        candidate=\${candidate#"$before"}
        [[ $candidate == *[!A-Za-z0-9@%_.,:+=/-]* ]] && candidate=$(printf %q "$candidate")
        COMPREPLY+=("$candidate")
      done
      ;;
  esac
}
complete -F _aoe_lab aoe-lab
`.replaceAll('\\$', '$');

const ZSH = String.raw`#compdef aoe-lab
# zsh completion of aoe-lab: eval "$(aoe-lab completion zsh)", or as the file _aoe-lab in a folder of fpath
_aoe_lab() {
  local -a answer names shown
  local one
  answer=("\${(@f)$("\${(Q)words[1]}" ${ASKING} "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  case $answer[1] in
    files) compset -P '--*='; _files ;;
    folders) compset -P '--*='; _files -/ ;;
    *)
      for one in "\${(@)answer[2,-1]}"; do
        names+=("\${one%%$'\t'*}")
        shown+=("\${one%%$'\t'*}  \${one#*$'\t'}")
      done
      compadd -l -d shown -a names
      ;;
  esac
}
if [[ $funcstack[1] == _aoe_lab || $funcstack[1] == _aoe-lab ]]; then
  _aoe_lab "$@"
else
  compdef _aoe_lab aoe-lab
fi
`.replaceAll('\\$', '$');

const FISH = String.raw`# fish completion of aoe-lab: aoe-lab completion fish | source
function __aoe_lab_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] ${ASKING} $words[2..] "$current" 2>/dev/null)
    set -l option (string match -r '^--[^=]*=' -- "$current"; or echo)
    set -l rest (string replace -r '^--[^=]*=' '' -- "$current")
    switch "$answer[1]"
        case files
            printf '%s\n' $option(__fish_complete_path $rest)
        case folders
            printf '%s\n' $option(__fish_complete_directories $rest)
        case '*'
            printf '%s\n' $answer[2..]
    end
end
complete -c aoe-lab -f -a '(__aoe_lab_complete)'
`;

/** What makes a shell complete. */
export function completionScript(shell: Shell): string {
  return { bash: BASH, zsh: ZSH, fish: FISH }[shell];
}
