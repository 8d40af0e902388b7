declare -A m=([one]=1 [two]=2); m[three]=3; for k in one two three; do echo $k=${m[$k]}; done; echo ${#m[@]}; [[ -v m[two] ]] && echo there; unset 'm[two]'; [[ -v m[two] ]] || echo gone
