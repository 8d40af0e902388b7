import ipaddress
net = ipaddress.ip_network("10.0.0.0/29")
print(net.num_addresses, [str(host) for host in net.hosts()][:2], ipaddress.ip_address("10.0.0.3") in net)
print(ipaddress.ip_address("::1").is_loopback, ipaddress.ip_address("192.168.1.1").is_private)
