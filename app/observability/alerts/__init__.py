"""What people are told, and when: grouped, rate-limited, harmless to show. Decisions only; `app.agents.alerting` asks
and sends."""
