s='  trim me  '; t=${s#"${s%%[![:space:]]*}"}; echo "[${t}]"; a=abc; echo ${a:0:1}${a: -1}; [[ $a == *b* ]] && echo contains; echo ${a/%c/X} ${a/#a/Y}
