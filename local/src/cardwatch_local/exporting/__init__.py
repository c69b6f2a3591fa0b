"""What the archive holds, as files for spreadsheets and data frames."""
