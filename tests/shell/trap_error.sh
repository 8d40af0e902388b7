trap 'echo failed' ERR; true; false; echo after; trap - ERR; false; echo end
