DROP TABLE playlist_videos;
DROP TABLE playlists;
