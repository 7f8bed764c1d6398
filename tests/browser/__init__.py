"""The portal as people and their browsers meet it: real Chromium on a real installation that was told the story."""
