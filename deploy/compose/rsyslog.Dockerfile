# A SIEM that prints every line as it came.
FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends rsyslog && rm -rf /var/lib/apt/lists/*
COPY deploy/compose/rsyslog.conf /etc/rsyslog.conf
CMD ["rsyslogd", "-n", "-f", "/etc/rsyslog.conf"]
