sleep 0.05; echo slept; timeout 0.2 sleep 5; echo $?; timeout 5 echo quick; SECONDS=0; echo $SECONDS
