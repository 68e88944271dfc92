/** Scripts by which a shell calls us back for candidates, with the words typed so far behind `--`. */

export const completionShells = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type CompletionShell = (typeof completionShells)[number];

/** The script of a shell for a program that is found by its name. */
export const registrationOf = (shell: CompletionShell, program: string): string =>
  scripts[shell](program, program.replaceAll('-', '_'));

const scripts: Record<CompletionShell, (program: string, word: string) => string> = {
  bash: (program, word) => `_clap_complete_${word}() {
    local IFS=$'\\013'
    COMPREPLY=( $( \\
        _CLAP_IFS="$IFS" \\
        _CLAP_COMPLETE_INDEX="$COMP_CWORD" \\
        COMP_LINE="$COMP_LINE" \\
        COMPLETE="bash" \\
        ${program} -- "\${COMP_WORDS[@]}" \\
    ) )
    [[ $? == 0 ]] || unset COMPREPLY
}
if [[ "\${BASH_VERSINFO[0]}" -eq 4 && "\${BASH_VERSINFO[1]}" -ge 4 || "\${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -o bashdefault -o default -o nosort -F _clap_complete_${word} ${program}
else
    complete -o bashdefault -o default -F _clap_complete_${word} ${program}
fi
`,
  zsh: (program, word) => `#compdef ${program}
function _clap_dynamic_completer_${word}() {
    local _CLAP_COMPLETE_INDEX=$(( CURRENT - 1 ))
    local _CLAP_IFS=$'\\n'
    local completions=("\${(@f)$( \\
        _CLAP_IFS="$_CLAP_IFS" \\
        _CLAP_COMPLETE_INDEX="$_CLAP_COMPLETE_INDEX" \\
        COMPLETE="zsh" \\
        ${program} -- "\${words[@]}" 2>/dev/null \\
    )}")
    if [[ -n $completions ]]; then
        _describe 'values' completions
    else
        _files
    fi
}
compdef _clap_dynamic_completer_${word} ${program}
`,
  fish: (program) =>
    `complete --keep-order --no-files --command ${program} --arguments ` +
    `"(COMPLETE=fish ${program} -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"\n`,
  powershell: (program) => `Register-ArgumentCompleter -Native -CommandName ${program} -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    if ($wordToComplete -eq '') { $words += '""' }
    $before = $env:COMPLETE
    $env:COMPLETE = 'powershell'
    try {
        & ${program} -- @words | ForEach-Object {
            $value, $help = $_.Split("\`t", 2)
            if (-not $help) { $help = $value }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $help)
        }
    } finally {
        $env:COMPLETE = $before
    }
}
`,
};
