
# Completes nsrun: nsctl knows the flags of the plugins chosen so far.
function __nsrun_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (nsctl __nsrun -- $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path $current
            case ':command *'
                if test (count $words) -eq (math (string replace ':command ' '' -- $line) + 1)
                    __fish_complete_command
                else
                    __fish_complete_path $current
                end
            case '*'
                echo $line
        end
    end
end
complete -c nsrun -f -a '(__nsrun_complete)'
