"""All that patches vui, or uses its private parts; test_vui_seams.py proves each point."""
