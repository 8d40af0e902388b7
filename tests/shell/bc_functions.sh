echo '4*a(1); e(1); l(2); s(1); c(1); e(-1.5); a(0.3); s(100); l(0.5)' | bc -l
echo 'scale=5; e(2); sqrt(3)' | bc -l; echo '10/3' | bc -l; bc -l <<< 'scale=3; 5/2'
