# An NMS that prints every trap with the names of our MIB.
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends snmptrapd && rm -rf /var/lib/apt/lists/*
COPY docs/mib/DSWATCH-MIB.txt /usr/share/snmp/mibs/DSWATCH-MIB.txt
COPY deploy/compose/snmptrapd.conf /etc/snmp/snmptrapd.conf
CMD ["snmptrapd", "-f", "-Lo", "-m", "+DSWATCH-MIB", "-c", "/etc/snmp/snmptrapd.conf", "udp:162"]
