-- SPDX-License-Identifier: LGPL-2.1-or-later
-- From user_version 1 to 2.

-- Of a file whose packets can be passed on as they are: their average rate, and
-- what of them is not to be heard at first. NULL where they can't, and where a
-- file was read before this was asked; renditions of it are encoded.
ALTER TABLE tracks ADD COLUMN packet_bps INTEGER;
ALTER TABLE tracks ADD COLUMN packet_pre_skip INTEGER;
