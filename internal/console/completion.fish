# Completion of PROGRAM for fish: in ~/.config/fish/completions/PROGRAM.fish
function __PROGRAM_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l found (PROGRAM complete -- $before[2..-1] "$current" 2>/dev/null)
    if test (count $found) -gt 0
        string join \n -- $found
    else
        __fish_complete_path "$current"
    end
end
complete --command PROGRAM --no-files --arguments '(__PROGRAM_complete)'
