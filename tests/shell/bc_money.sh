echo '1.10+2.205' | bc; echo '0.5*0.5' | bc; echo '100*1.0825' | bc; echo 'scale=2; 100.50*1.0825' | bc; echo 'scale=2; (1.5+2.5)/3' | bc
echo '-0.5' | bc; echo '.1+.2' | bc; echo '7.5%2' | bc; echo '-7/2' | bc; echo '-7%3' | bc; echo 'scale=2; 10%3' | bc; echo 'scale=0; 3.7/1' | bc
paste -sd+ <(cut -d, -f2 data.csv | tail -n +2) | bc
