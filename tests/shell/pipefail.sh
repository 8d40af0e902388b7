false | true; echo $?; set -o pipefail; false | true; echo $?; true | true; echo $?; echo a | grep b | cat; echo ${PIPESTATUS[@]}
