"""Which kind of connection a channel's settings ask for."""

from functools import partial

from rcm_billing.gateways import http_channel, sftp_channel
from rcm_billing.gateways.channels import Connect, HttpChannel, SftpChannel


def connector(settings: SftpChannel | HttpChannel) -> Connect:
    """Return what opens a connection of a channel."""
    if isinstance(settings, SftpChannel):
        return partial(sftp_channel.connect, settings)
    return partial(http_channel.connect, settings)
