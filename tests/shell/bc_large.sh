echo '2^100' | bc; echo '2^300' | bc; echo '12345678901234567890 * 98765432109876543210' | bc; echo '2^-2; scale=3; 2^-2' | bc
echo 'scale=60; 1/7' | bc; echo 'scale=10; sqrt(2)' | bc; echo '1.25^3' | bc; echo 'length(2^64); scale(1.234)' | bc
