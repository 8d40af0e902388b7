x=5; (( x > 3 )) && echo big; (( x == 5 ? 1 : 0 )) && echo five; ((x=x>4?10:0)); echo $x; for ((a=1,b=10;a<b;a*=2,b-=1)); do :; done; echo $a $b
