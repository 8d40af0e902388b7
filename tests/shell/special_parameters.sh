echo $0 > /dev/null; echo "$#" $?; false; echo $?; echo ${BASH_VERSION:+set}; echo ${RANDOM:+set}; echo ${LINENO:+set}
