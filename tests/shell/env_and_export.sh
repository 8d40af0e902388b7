export A=1 B='two words'; env | grep -E '^[AB]=' | sort; printenv A; env A=5 bash -c 'echo $A'; C=3 bash -c 'echo $C'; echo "[$C]"; unset A; printenv A; echo $?
