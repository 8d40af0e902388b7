echo a \
  b \
  c; echo x &&
 echo y |
 tr y z
