START_TEST(links_are_not_followed)
{
}
END_TEST
